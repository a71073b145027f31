"""Referral: stories and vectors of referrals made at the part, a kill under load, and ownership."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import httpx

from conformance import handing
from conformance.clause import Broken, NotTried, Try, clause
from conformance.clauses.referral import REFERRAL, refer
from conformance.contract import stories
from conformance.play import Play
from conformance.settings import OURS
from conformance.trial import Trial
from conformance.vectors import placed, without_partners

_CLAIMS: Final = "/api/referral/v1/claims"
_FILES: Final = ("counting", "creation", "meetings", "retraction", "endings", "prescriptions", "stage")
_TRIED: Final = 30
_LOAD: Final = 20
_EVERY: Final = 0.1
_LOOKS_EVERY: Final = 0.3


async def _stage(trial: Trial, referral: str) -> str:
    """The stage that the part shows. Raises NotTried if the adapter does not know it."""
    return str((await trial.look("stage", referral_id=referral)).get("stage"))


async def _until_stage(trial: Trial, referral: str, wanted: str, what: str) -> None:
    limit = trial.clause.limit * trial.kit.settings.patience
    end = asyncio.get_running_loop().time() + limit
    while (shown := await _stage(trial, referral)) != wanted:
        if asyncio.get_running_loop().time() > end:
            raise Broken(f"{what}: the stage {wanted} within {limit:.0f} s", f"the stage {shown}")
        await trial.kit.bus.changes(_LOOKS_EVERY)


def playable() -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Name, facts and stage of each vector of one referral whose only creation is ours and stands."""
    for each in without_partners(_FILES):
        facts = each["facts"]
        creations = [f for f in facts if f["event"] == "referral-created"]
        if [f["source"].rpartition("/")[2] for f in creations] != ["referral"]:
            continue
        retracted = any(f["body"].get("event_id") == creations[0]["id"] for f in facts)
        one = len({f["body"]["referral_id"] for f in facts}) == 1
        if one and not retracted and each["state"]["stage"] != "erased":
            yield each["name"], each, each["state"]["stage"]


@clause("F10/stage", "The stage is that of the whole set, as the vectors of the fold show", parts=REFERRAL)
async def fold(trial: Trial) -> None:
    """Refers thirty people, says of each the facts of a vector in random order, and looks at the stages."""
    played = []
    for name, vector, stage in trial.rng.sample(list(playable()), _TRIED):
        created = await refer(trial)
        events, _ = placed(trial, vector)
        about = {"referral_id": created.referral}
        said = [
            type(e)(e.id, e.source, e.event, {**e.data, **about}, e.time, e.recorded)
            for e in events
            if e.kind != "referral_created"
        ]
        played.append((name, created.referral, stage, said))
    await _stage(trial, played[0][1])
    facts = [event for *_, said in played for event in said]
    trial.rng.shuffle(facts)
    await trial.say_any(*facts)
    for name, referral, stage, _ in played:
        await _until_stage(trial, referral, stage, name)


class _Act:
    """Does at the part the events of a story that are the part's own."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    async def __call__(self, play: Play, event: Mapping[str, Any]) -> None:
        kind = event["data"].get("kind", "referral_created")
        if kind == "referral_created":
            play.values["referral"] = (await refer(self._trial)).referral
        elif kind == "referral_withdrawn":
            await self._trial.hand("withdraw", referral_id=play.referral)
        elif kind == "person_erased":
            await self._trial.hand("erase", referral_id=play.referral)


def _story(name: str) -> Try:
    async def run(trial: Trial) -> None:
        """Plays the golden story: the adapter does what referral says, and the kit says all else."""
        story = next(each for each in stories() if each["name"] == name)
        play = Play(story, trial, _Act(trial))
        await play.perform()
        own = [each["data"].get("kind", "referral_created") for each in story["events"] if _ours(each)]
        if story["state"]["stage"] != "erased":
            await _until_stage(trial, play.referral, story["state"]["stage"], name)
        await trial.rest()
        said = [each.kind for each in trial.said(play.referral)]
        trial.expect(sorted(said) == sorted(own), f"{', '.join(own)}, once each", trial.heard_lines())

    return run


def _ours(event: Mapping[str, Any]) -> bool:
    return bool(event["part"] == "referral")


for _each in stories():
    clause(
        f"STORY/referral/{_each['name']}",
        _each["sentence"],
        parts=REFERRAL,
        words=f"The golden story {_each['name']}: {_each['sentence']}",
    )(_story(_each["name"]))


@clause(
    "REF-1/kill",
    "After kill -9 under load, each referral that was answered is kept and said, once",
    parts=REFERRAL,
    alone=True,
)
async def killed(trial: Trial) -> None:
    """Refers twenty people in two seconds, kills the part in their midst, and starts it again."""
    part, made = trial.kit.part, list[str]()
    if not part.governed:
        raise NotTried("The kit cannot kill the part: give --start.")

    async def one() -> None:
        try:
            made.append(str((await trial.hand("refer")).get("referral_id", "")))
        except (Broken, httpx.HTTPError):
            trial.sent.append("no answer: the part is dead")

    asked = []
    for number in range(_LOAD):
        asked.append(asyncio.create_task(one()))
        await asyncio.sleep(_EVERY)
        if number == _LOAD // 2:
            await part.kill()
            trial.sent.append("kill -9, and further people")
    await asyncio.gather(*asked)
    await part.start()
    trial.sent.append("started again")
    trial.expect(bool(made), "a referral before the kill", "none")
    for referral in made:
        trial.referrals[referral] = trial.locality
        await trial.until(f"the creation of {referral}", partial(_is_said, trial, referral))
        query = {"locality": trial.locality, "fields": "name", "purpose": "meeting"}
        answer = await trial.ask("GET", f"{_CLAIMS}/{referral}", "claims:read", **query)
        trial.expect(answer.status_code == 200, f"200: the vault keeps {referral}", answer.status_code)
    await trial.rest()
    for referral in made:
        found = trial.said(referral, "referral_created")
        trial.expect(len(found) == 1, "one creation", "; ".join(each.line() for each in found))


def _is_said(trial: Trial, referral: str) -> bool:
    return bool(trial.said(referral, "referral_created"))


@clause("OWN-1/referral", "Not the owner, the part refers nobody", parts=REFERRAL, alone=True)
async def silent(trial: Trial) -> None:
    """Gives the part to Linkwork, refers a person there, and gives it to the part again."""
    handing.can_be_handed_over(trial)
    before = await refer(trial)
    known = len(trial.kit.bus.refused)
    await handing.give(trial, OURS)
    try:
        made = await trial.hand("refer")
        trial.expect(bool(made.get("refused")), "`refused` of a part that is not the owner", made)
        await trial.silent([before.referral], "no word of a part that is not the owner")
        late = [event.line() for _, event in trial.kit.bus.refused[known:] if event is not None]
        trial.expect(not late, "no word of a part that is not the owner", "; ".join(late))
    finally:
        await handing.give(trial, trial.kit.settings.name)
    await _refers_again(trial)


async def _refers_again(trial: Trial) -> None:
    """Waits until the part has seen that it is the owner."""
    limit = trial.clause.limit * trial.kit.settings.patience
    end = asyncio.get_running_loop().time() + limit
    while not (made := await trial.look("refer")).get("referral_id"):
        if asyncio.get_running_loop().time() > end:
            raise Broken(f"a referral by the owner within {limit:.0f} s", str(made))
        await trial.kit.bus.changes(_LOOKS_EVERY)
