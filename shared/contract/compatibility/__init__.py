"""Compares the contract with the last published version. docs/contract/compatibility.md is the policy."""

from shared.contract.compatibility.breach import Breach
from shared.contract.compatibility.check import breaches
from shared.contract.compatibility.published import current, published, status

__all__ = ["Breach", "breaches", "current", "published", "status"]
