"""Filter, order and page of a list, as the query string of its page holds them.

A list says which values its filters may have: codes, numbers of days and references, never anything typed. So
what stands in an address names no person. What a list does not know is left out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

PAGE_SIZE: Final = 25
# The days of "waiting for longer than", from the link worker's first week to what nobody should wait.
WAITING_DAYS: Final = (7, 14, 28, 84)
_MAX_PAGE: Final = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListShape:
    """The filters and columns of a list.

    Attributes:
        name: names the list where a filter is kept.
        filters: the allowed values of each filter.
        columns: the columns by which the list can be sorted. The first is the usual one.
        fixed: parameters of the page that say which list it shows. They are kept in every address.
        page_name: the parameter of its page. Two lists of one page have two.
    """

    name: str
    filters: Mapping[str, Collection[str]]
    columns: Sequence[str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    page_name: str = "page"

    def read(self, given: Mapping[str, str]) -> "ListChoice":
        """The reader's choice in the parameters of a request."""
        chosen = {
            name: value for name, allowed in self.filters.items() if (value := given.get(name, "")) in allowed
        }
        sort = given.get("sort", "")
        column, descending = sort.removeprefix("-"), sort.startswith("-")
        if column not in self.columns:
            column, descending = self.columns[0], False
        page = given.get(self.page_name, "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) <= 5 else 1
        return ListChoice(self, chosen, column, descending, min(max(number, 1), _MAX_PAGE))

    def parse(self, query: str) -> "ListChoice":
        """The choice in a query string, such as a kept one."""
        return self.read(dict(parse_qsl(query)))

    def chooses(self, given: Mapping[str, str]) -> bool:
        """True if a request says which part of the list it wants, so that no kept filter applies."""
        return any(name in given for name in (*self.filters, "sort", self.page_name, "all"))


@dataclass(frozen=True, slots=True)
class ListChoice:
    """A reader's choice: the value of each filter, column and direction, and the page from 1 on."""

    shape: ListShape
    filters: Mapping[str, str]
    column: str
    descending: bool = False
    page: int = 1

    def get(self, name: str) -> str | None:
        """The value of a filter; None for all."""
        return self.filters.get(name)

    def days(self, name: str) -> int | None:
        """The value of a filter as a number of days."""
        value = self.get(name)
        return int(value) if value is not None else None

    @property
    def is_filtered(self) -> bool:
        """True if the list leaves something out."""
        return bool(self.filters)

    @property
    def query(self) -> str:
        """The query string, which begins with `?`."""
        given = {**self.shape.fixed, **self.filters}
        usual = self.column == self.shape.columns[0] and not self.descending
        if not usual:
            given["sort"] = f"{'-' if self.descending else ''}{self.column}"
        if self.page > 1:
            given[self.shape.page_name] = str(self.page)
        # Without any parameter of its own, the address would open the kept filter.
        own = given.keys() - self.shape.fixed.keys()
        return "?" + urlencode(given if own else given | {"all": "1"})

    @property
    def kept(self) -> str:
        """The filters and the order, as they are kept."""
        return replace(self, page=1).query.removeprefix("?")

    def on_page(self, page: int) -> "ListChoice":
        """The same choice on another page."""
        return replace(self, page=page)

    def sorted_by(self, column: str) -> "ListChoice":
        """The same filters in the order of a column, or in its reverse order if that is the order now."""
        return replace(self, column=column, descending=column == self.column and not self.descending, page=1)

    def unfiltered(self) -> "ListChoice":
        """All of the list, in the same order."""
        return replace(self, filters={}, page=1)


@dataclass(frozen=True, slots=True)
class ListPart(Generic[T]):
    """One page of a list. `total` counts all that the filters leave."""

    items: list[T]
    total: int
    page: int = 1
    size: int = PAGE_SIZE

    def __iter__(self) -> Iterator[T]:
        """The items of the page."""
        return iter(self.items)

    @property
    def pages(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-self.total // self.size))


def part_of(items: Sequence[T], page: int, size: int = PAGE_SIZE) -> ListPart[T]:
    """A page of a list that is here as a whole. Beyond the end: the last page."""
    last = max(1, -(-len(items) // size))
    number = min(page, last)
    return ListPart(list(items[(number - 1) * size : number * size]), len(items), number, size)
