"""The contract with partners changes only where somebody means it to."""

from tests.harness.web.contract import agreed, documents
from tests.harness.web.issuer import LoopbackIssuer


async def test_contract_is_as_agreed(issuer: LoopbackIssuer) -> None:
    """After a change that is meant, `make contract` writes the files, and the commit shows the difference."""
    assert await documents(issuer) == agreed()
