"""Links that end before their time: after 20 wrong codes, or by the link worker's hand."""

import asyncio
from collections.abc import Awaitable

import pytest

from services.matching.prescribing.inputs import FirstVisit, ServiceReply
from services.matching.provider.link_states import MAX_WRONG_CODES, Ended, LinkEnded, LinkKey, LinkStates
from services.matching.provider.one_time_codes import TRIES
from services.matching.referral_state.attention import NeedsYou
from shared.contract.events import vocabulary as v
from shared.platform.ids import new_id
from shared.platform.web.problem import Problem
from tests.harness.matching.plans import prescribed
from tests.harness.matching.service_harness import MatchingHarness


def states(town: MatchingHarness) -> LinkStates:
    return LinkStates(town.kernel.mongo, town.clock)


def link(town: MatchingHarness) -> LinkKey:
    return LinkKey(town.slug, new_id(), new_id(), 0)


async def wrong(kept: LinkStates, of: LinkKey) -> bool:
    """One try with a wrong code, as the page makes it; whether its code would have been looked at."""
    looked_at = await kept.begin_try(of)
    await kept.was_wrong(of)
    return looked_at


async def test_link_after_19_wrong_codes_works(town: MatchingHarness) -> None:
    kept, of = states(town), link(town)
    for _ in range(MAX_WRONG_CODES - 1):
        assert await wrong(kept, of)
    await kept.check(of.locality, of.prescription, 0)
    assert await wrong(kept, of)
    with pytest.raises(LinkEnded) as ended:
        await kept.check(of.locality, of.prescription, 0)
    assert ended.value.why is Ended.WRONG_CODES
    assert of.referral in await kept.alerting({town.slug})


async def test_right_codes_do_not_count(town: MatchingHarness) -> None:
    kept, of = states(town), link(town)
    for _ in range(MAX_WRONG_CODES + 5):
        assert await kept.begin_try(of)
        await kept.was_no_try(of)
    for _ in range(MAX_WRONG_CODES - 1):
        await wrong(kept, of)
    await kept.check(of.locality, of.prescription, 0)


async def test_many_wrong_codes_at_once_are_not_more_than_in_turn(town: MatchingHarness) -> None:
    kept, of = states(town), link(town)
    looked_at = await asyncio.gather(*(wrong(kept, of) for _ in range(3 * MAX_WRONG_CODES)))
    assert sum(looked_at) <= MAX_WRONG_CODES
    with pytest.raises(LinkEnded):
        await kept.check(of.locality, of.prescription, 0)


async def test_new_link_works_and_the_old_one_stays_ended(town: MatchingHarness) -> None:
    kept, of = states(town), link(town)
    assert await kept.renew(of.locality, of.prescription) is None  # none has ended
    assert await kept.end(of, Ended.LINK_WORKER)
    assert not await kept.end(of, Ended.WRONG_CODES)
    assert of.referral not in await kept.alerting({town.slug})
    assert await kept.renew(of.locality, of.prescription) == 1
    assert await kept.renew(of.locality, of.prescription) is None
    await kept.check(of.locality, of.prescription, 1)
    with pytest.raises(LinkEnded) as ended:
        await kept.check(of.locality, of.prescription, 0)
    assert ended.value.why is Ended.REPLACED
    assert not await kept.begin_try(of)  # the old one counts nothing
    for _ in range(MAX_WRONG_CODES - 1):
        await wrong(kept, LinkKey(of.locality, of.referral, of.prescription, 1))
    await kept.check(of.locality, of.prescription, 1)


async def token_of(town: MatchingHarness, prescription: str) -> str:
    by = town.bearer("service", localities=["*"], scopes="links:write")
    answer = await town.post(f"/prescriptions/{prescription}/link", of=by)
    return str(answer.json()["url"].rpartition("/")[2])


async def refused(awaited: Awaitable[object]) -> str | None:
    with pytest.raises(Problem) as problem:
        await awaited
    return problem.value.code


async def test_20_wrong_codes_across_codes_end_the_link(town: MatchingHarness) -> None:
    referral, of = await prescribed(town, may_share="yes")
    token = await token_of(town, of)
    features, queries = town.app.state.features, town.app.state.features.queries
    await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    for n in range(MAX_WRONG_CODES):
        if n % TRIES == 0:
            code = await features.provider.codes.make(town.slug, of)
        other = f"{(int(code) + 1) % 1_000_000:06}"
        last = n == MAX_WRONG_CODES - 1
        assert await refused(features.provider.reveal(token, other)) == (
            "link_ended" if last else "wrong_code"
        )
    for ended in (
        queries.provider.ask(token),
        features.provider.reveal(token, code),
        features.provider.send_code(token),
        features.provider.answer_link(token, ServiceReply(v.Reply.FULL)),
        features.provider.visited_link(token, FirstVisit(town.clock.now.date())),
        features.provider.places_link(token),
    ):
        assert await refused(ended) == "link_ended"
    told = (await town.http.get("/needs-you", headers=town.link_worker())).json()["needs_you"]
    (line,) = [one for one in told if one["case"]["referral_id"] == referral]
    assert (line["reason"]["reason"], line["reason"]["about"]) == (NeedsYou.LINK_ENDED.value, of)
    answer = await town.post(
        f"/prescriptions/{of}/link", of=town.bearer("service", localities=["*"], scopes="links:write")
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linkwork:problem:link_ended")
    name, telephone = await queries.provider.whom_to_ring(token)
    assert (bool(name), bool(telephone)) == (True, True)


async def test_code_not_sent_is_no_wrong_code(town: MatchingHarness) -> None:
    _, of = await prescribed(town, may_share="yes")
    token = await token_of(town, of)
    features = town.app.state.features
    await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    for _ in range(MAX_WRONG_CODES + 1):
        assert await refused(features.provider.reveal(token, "123456")) == "code_expired"
    assert (await town.app.state.features.queries.provider.ask(token)).may_reveal
