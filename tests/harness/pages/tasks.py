"""Counts what a task costs its user: clicks, typed fields and the bytes of its pages."""

from dataclasses import dataclass, field
from time import monotonic

from playwright.async_api import Locator, Page, Request


@dataclass
class TaskCost:
    """The cost of one task. `heaviest`: the largest page in bytes as sent. `seconds`: of the script."""

    name: str
    clicks: int = 0
    fields: int = 0
    pages: int = 0
    heaviest: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """The row of a table in Markdown."""
        weight = f"{self.heaviest / 1024:.0f}"
        return (
            f"| {self.name} | {self.clicks} | {self.fields} | {self.pages} | {weight} | {self.seconds:.1f} |"
        )


@dataclass
class TaskMeter:
    """Does a task in a browser, and counts. A choice of a list counts as a click."""

    page: Page
    costs: list[TaskCost] = field(default_factory=list)
    _begun: float = 0.0

    def begin(self, name: str) -> TaskCost:
        """Begins a task on the page that is open."""
        self.costs.append(TaskCost(name))
        self._begun = monotonic()
        return self.costs[-1]

    async def tick(self, what: Locator) -> None:
        """Ticks a box or one of several answers."""
        self.costs[-1].clicks += 1
        await what.check()

    async def go(self, what: Locator) -> None:
        """Presses what leads to another page, and weighs that page."""
        documents: list[Request] = []

        def listen(request: Request) -> None:
            if request.is_navigation_request():
                documents.append(request)

        self.page.on("requestfinished", listen)
        self.costs[-1].clicks += 1
        await what.click()
        await self.page.wait_for_load_state("load")
        self.page.remove_listener("requestfinished", listen)
        cost = self.costs[-1]
        cost.pages += 1
        for request in documents:
            sizes = await request.sizes()
            cost.heaviest = max(cost.heaviest, int(sizes["responseBodySize"]))

    async def choose(self, what: Locator, value: str) -> None:
        """Chooses from a list."""
        self.costs[-1].clicks += 1
        await what.select_option(value)

    async def type(self, what: Locator, text: str) -> None:
        """Types into a field."""
        self.costs[-1].fields += 1
        await what.fill(text)

    def end(self) -> TaskCost:
        """Ends the task."""
        self.costs[-1].seconds = monotonic() - self._begun
        return self.costs[-1]
