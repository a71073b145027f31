"""HTTP: feeds of the directory that are fetched from an address."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from services.matching.directory.feed_use_cases import FeedAsked
from services.matching.directory.schemas import ImportOut
from services.matching.directory.subscriptions import Subscription
from services.matching.web.features import features
from services.matching.web.parameters import BASE, REFUSALS, Admin
from services.matching.web.schemas import Body
from shared.contract.events.models import LocalitySlug

router = APIRouter(prefix=f"{BASE}/directory/subscriptions", tags=["directory"], responses=REFUSALS)

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class SubscriptionIn(Body):
    """The address of a feed. `trusted`: what is fetched by schedule is taken without a look."""

    url: Annotated[str, Field(max_length=2000)]
    every_hours: Annotated[int, Field(ge=0, le=744, description="0: by hand only.")] = 0
    trusted: bool = False
    localities: list[LocalitySlug] | None = Field(
        None, description="Where a new feed is offered; left out: in all of the caller's. Ignored for others."
    )


class SubscriptionOut(BaseModel):
    """A feed with its address and its last fetch."""

    feed: str
    url: str
    every_hours: int
    trusted: bool
    owners: list[str]
    localities: list[str]
    state: Literal["never", "taken", "unchanged", "waits", "failed"]
    told: str
    at: datetime | None
    next_at: datetime | None
    records: int
    services: int

    @classmethod
    def of(cls, feed: Subscription) -> "SubscriptionOut":
        """The feed as the API returns it."""
        return cls(
            feed=feed.name,
            url=feed.url,
            every_hours=feed.every_hours,
            trusted=feed.trusted,
            owners=list(feed.owners),
            localities=sorted(feed.offered),
            state=feed.state,
            told=feed.told,
            at=feed.at,
            next_at=feed.next_at,
            records=feed.records,
            services=feed.services,
        )


class SubscriptionsOut(BaseModel):
    """Every feed."""

    feeds: list[SubscriptionOut]


@router.get("")
async def every(request: Request, caller: Admin) -> SubscriptionsOut:
    """Every feed, with its address if it has one."""
    found = await features(request).feeds.feeds(caller)
    return SubscriptionsOut(feeds=[SubscriptionOut.of(each) for each in found])


@router.put("/{feed}")
async def put(request: Request, feed: Name, caller: Admin, asked: SubscriptionIn) -> SubscriptionOut:
    """Stores the address of a feed. A private address is refused, unless a setting allows it."""
    offered = None if asked.localities is None else tuple(asked.localities)
    new = FeedAsked(feed, asked.url, asked.every_hours, asked.trusted, offered)
    return SubscriptionOut.of(await features(request).feeds.put(caller, new))


@router.post("/{feed}/dry-run")
async def dry_run(request: Request, feed: Name, caller: Admin) -> ImportOut:
    """Fetches the feed and reports each defect. No service is changed."""
    return ImportOut.of(await features(request).feeds.dry_run(caller, feed))


@router.post("/{feed}/fetch")
async def fetch(request: Request, feed: Name, caller: Admin) -> ImportOut:
    """Fetches the feed and takes its services."""
    return ImportOut.of(await features(request).feeds.fetch_now(caller, feed))


@router.delete("/{feed}", status_code=204)
async def remove(request: Request, feed: Name, caller: Admin) -> None:
    """Removes the feed. Its services are offered no more."""
    await features(request).feeds.remove(caller, feed)
