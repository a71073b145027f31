"""Look-ups and commands that cross a seam between two parts: a module and an OpenAPI document an owner.

A module holds the bodies and answers of its part's operations, their rules and their examples. Services
answer and ask by these operations and no others. `python -m shared.contract.api` writes the documents.
"""

from typing import Final

from shared.contract.api.booking import BOOKING
from shared.contract.api.casework import CASEWORK
from shared.contract.api.directory import DIRECTORY
from shared.contract.api.operation import Operation
from shared.contract.api.referral import REFERRAL

OPERATIONS: Final[tuple[Operation, ...]] = (*REFERRAL, *BOOKING, *CASEWORK, *DIRECTORY)

__all__ = ["BOOKING", "CASEWORK", "DIRECTORY", "OPERATIONS", "REFERRAL", "Operation"]
