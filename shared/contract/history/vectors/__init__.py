"""Vectors of the fold: facts in, state out, as JSON, for folds in any language. README.md tells the form."""

from shared.contract.history.vectors.files import FORMAT, Vector, VectorFile, folded, load, load_all, written
from shared.contract.history.vectors.state import state_of

__all__ = ["FORMAT", "Vector", "VectorFile", "folded", "load", "load_all", "state_of", "written"]
