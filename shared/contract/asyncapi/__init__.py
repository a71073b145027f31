"""AsyncAPI 3 documents: one for each part, and one for a partner.

They are made from the schemas, the authority table and the examples.
"""

from shared.contract.asyncapi.documents import PARTNER, document, names

__all__ = ["PARTNER", "document", "names"]
