"""Who takes part in the programme: localities, their practices and contacts, and places by postcode."""

from shared.localities.entries import LocalitiesError
from shared.localities.loading import LOCALITIES_FILE, load_localities
from shared.localities.model import (
    OURS,
    OWN_VAULT,
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
    "Contact",
    "Localities",
    "LocalitiesError",
    "Locality",
    "NoSuchLocality",
    "Practice",
    "Source",
    "load_localities",
]
