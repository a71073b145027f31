"""Folding a service's part of the log anew, beside what is live, and putting the one in the other's place."""
