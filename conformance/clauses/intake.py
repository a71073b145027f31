"""Referral: stories and vectors of referrals made at the part, a kill under load, and ownership."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from conformance import handing
from conformance.clause import Broken, NotTried, Try, clause
from conformance.clauses.referral import REFERRAL, refer
from conformance.contract import stories
from conformance.play import Play
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
        await _until_stage(trial, referral, stage, f"the vector {name}, as {referral}")


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
    asked = []
    for number in range(_LOAD):
        asked.append(asyncio.create_task(_one_more(trial, made)))
        await asyncio.sleep(_EVERY)
        if number == _LOAD // 2:
            await part.kill()
            trial.sent.append("kill -9, and further people")
    await asyncio.gather(*asked)
    await part.start()
    trial.sent.append("started again")
    trial.expect(bool(made), "a referral before the kill", "none")
    trial.referrals |= dict.fromkeys(made, trial.locality)
    await _all_said_once(trial, made)
    for referral in made:
        query = {"locality": trial.locality, "fields": "name", "purpose": "meeting"}
        answer = await trial.ask("GET", f"{_CLAIMS}/{referral}", "claims:read", **query)
        trial.expect(answer.status_code == 200, f"200: the vault keeps {referral}", answer.status_code)


def _is_said(trial: Trial, referral: str) -> bool:
    return bool(trial.said(referral, "referral_created"))


@clause("OWN-1/referral", "Not the owner, the part refers nobody", parts=REFERRAL, alone=True)
async def silent(trial: Trial) -> None:
    """Gives the part to Linkwork, refers a person there, and gives it to the part again."""
    before = await refer(trial)
    async with handing.given_away(trial):
        made = await trial.hand("refer")
        trial.expect(bool(made.get("refused")), "`refused` of a part that is not the owner", made)
        await trial.silent([before.referral], "no word of a part that is not the owner")
        late = trial.refused_lines("not_owner")
        trial.expect(not late, "no word of a part that is not the owner", "; ".join(late))
    await _refers_again(trial)


@clause(
    "OWN-2/referral",
    "Taken over again, the part shows what became of its referrals meanwhile",
    parts=REFERRAL,
    alone=True,
)
async def goes_on(trial: Trial) -> None:
    """Refers ten people; while Linkwork owns the part, all are booked, and half of them are withdrawn."""
    made = [(await refer(trial)).referral for _ in range(10)]
    async with handing.given_away(trial):
        await trial.say(*(trial.booking("booking", each) for each in made))
        for each in made[::2]:
            body = {"by": "practice", "reason": "other"}
            await trial.tell(f"/{trial.locality}/referral", "referral_withdrawn", each, **body)
    await _refers_again(trial)
    for number, each in enumerate(made):
        await _until_stage(trial, each, "booked" if number % 2 else "withdrawn", "told by others meanwhile")
    for each in made:
        trial.expect(len(trial.said(each)) == 1, "nothing more than the creation", trial.heard_lines())


@clause(
    "OWN-3/referral",
    "Given back under load, each referral that was answered is said once",
    parts=REFERRAL,
    alone=True,
)
async def give_back(trial: Trial) -> None:
    """Refers twenty people while the part is claimed back, and takes it again."""
    made: list[str] = []

    async def load() -> None:
        for _ in range(_LOAD):
            await _one_more(trial, made)
            await asyncio.sleep(_EVERY)

    loading = asyncio.create_task(load())
    await asyncio.sleep(5 * _EVERY)
    try:
        async with handing.given_away(trial):
            await loading
            trial.referrals |= dict.fromkeys(made, trial.locality)
            await trial.silent(made, "no word behind the end")
    finally:
        loading.cancel()
    await _refers_again(trial)
    await _all_said_once(trial, made)


async def _one_more(trial: Trial, made: list[str]) -> None:
    """Refers a person, and keeps the referral if the part answers with one."""
    try:
        if referral := (await trial.hand("refer")).get("referral_id"):
            made.append(str(referral))
    except Broken as broken:
        trial.sent.append(f"no referral: {broken.came}")


async def _all_said_once(trial: Trial, made: list[str]) -> None:
    """Checks that each of these referrals, which the part answered with, is created once."""
    for referral in made:
        await trial.until(f"the creation of {referral}", partial(_is_said, trial, referral))
    await trial.rest()
    for referral in made:
        trial.expect_one(trial.said(referral, "referral_created"))


async def _refers_again(trial: Trial) -> None:
    """Waits until the part has seen that it is the owner."""
    limit = trial.clause.limit * trial.kit.settings.patience
    end, made = asyncio.get_running_loop().time() + limit, list[str]()
    while not made:
        if asyncio.get_running_loop().time() > end:
            raise Broken(f"a referral by the owner within {limit:.0f} s", trial.came[-1])
        await trial.kit.bus.changes(_LOOKS_EVERY)
        with trial.last_only():
            await _one_more(trial, made)
