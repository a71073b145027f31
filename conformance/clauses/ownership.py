"""Clauses of ownership for the parts beside booking and referral."""

from conformance import handing, roles
from conformance.clause import EVERY, clause
from conformance.trial import Trial

_ANSWER = frozenset({"casework", "directory"})
_TELL = frozenset({"notifications"})
_COUNT = frozenset({"evaluation"})


async def _works(trial: Trial) -> None:
    """Plays a referral, so that the part is seen to be the owner again."""
    # The part asks every few seconds who the owner is.
    await trial.rest()
    scene = await roles.make(trial)
    await roles.play(trial, [scene])


@clause("OWN-1/others", "Not the owner, the part refuses what it is asked", parts=_ANSWER, alone=True)
async def refuses(trial: Trial) -> None:
    """Asks the part while it is Linkwork's, and gives it back."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    async with handing.given_away(trial):
        refused = await roles.asked(trial, scene)
        trial.expect(
            refused.status_code == 409 and "not_owner" in refused.text,
            "409 not_owner",
            f"{refused.status_code} {refused.text}",
        )
    await _works(trial)


@clause("OWN-1/messages", "Not the owner, the part sends nothing", parts=_TELL, alone=True)
async def sends_nothing(trial: Trial) -> None:
    """Says meetings while the part is Linkwork's, and gives it back: Linkwork has told of them."""
    scenes = [await roles.make(trial) for _ in range(3)]
    async with handing.given_away(trial):
        await trial.say(*(event for scene in scenes for event in scene.events))
        await trial.rest()
    await _works(trial)
    await trial.rest()
    told = [scene.referral for scene in scenes if await roles.effects(trial, scene)]
    trial.expect(not told, "no text about meetings of before the part was the owner", f"texts about {told}")


@clause(
    "OWN-2/others",
    "Taken over, the part goes on from all that was said before",
    parts=_ANSWER | _COUNT,
    alone=True,
)
async def goes_on(trial: Trial) -> None:
    """Says what calls for the part while it is Linkwork's, gives it back, and looks for it."""
    scenes = [await roles.make(trial) for _ in range(3)]
    count = len(scenes) if trial.kit.settings.part in _COUNT else 1
    async with handing.given_away(trial):
        await trial.say(*(event for scene in scenes for event in scene.events))
        await trial.rest()
    for scene in scenes:
        await roles.shown(trial, scene, count=count)


@clause(
    "OWN-3/others",
    "Asked to stop, the part ends its inbox within 60 seconds",
    parts=EVERY - {"booking", "referral"},
    alone=True,
)
async def stops(trial: Trial) -> None:
    """Claims the part for Linkwork, waits for the end of its inbox, and gives it back."""
    async with handing.given_away(trial):
        trial.sent.append("the part is Linkwork's")
    await _works(trial)
