"""A table of labels: fixed, and in the order in which forms and figures list the codes."""

from collections.abc import Mapping
from types import MappingProxyType

Labels = Mapping[str, str]


def labels(of: Mapping[str, str]) -> Labels:
    """A read-only copy."""
    return MappingProxyType(dict(of))


def changed(plain: Labels, **instead: str) -> Labels:
    """The plain table with other labels for a few codes. Raises KeyError for a code that it does not hold."""
    unknown = instead.keys() - {str(code) for code in plain}
    if unknown:
        raise KeyError(*sorted(unknown))
    return MappingProxyType({code: instead.get(str(code), label) for code, label in plain.items()})
