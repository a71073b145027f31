"""The fields of a form as the user typed them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FormInput:
    """A form as the user typed it, so that a page can show it again without a loss."""

    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    ticks: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """The text of a field, or an empty text."""
        return self.texts.get(name, "")

    def chosen(self, name: str) -> list[str]:
        """The values that the user chose in a field."""
        return self.lists.get(name, [])

    def ticked(self, name: str) -> bool:
        """True if the user ticked the box."""
        return name in self.ticks
