"""The contract as it is served under /contract/: files for programs, pages for people. Public."""
