"""The programme's localities, their practices and contacts, and places by postcode."""

from shared.platform.localities.entries import LocalitiesError
from shared.platform.localities.loading import LOCALITIES_FILE, load_localities
from shared.platform.localities.model import (
    OURS,
    OWN_VAULT,
    Claim,
    Contact,
    Localities,
    Locality,
    NoSuchLocality,
    Practice,
    Source,
)

__all__ = [
    "LOCALITIES_FILE",
    "OURS",
    "OWN_VAULT",
    "Claim",
    "Contact",
    "Localities",
    "LocalitiesError",
    "Locality",
    "NoSuchLocality",
    "Practice",
    "Source",
    "load_localities",
]
