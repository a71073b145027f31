"""Pages of the contract: an index, a page for each event and kind, and the documents. Public."""
