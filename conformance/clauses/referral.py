"""Referral: creations, withdrawals and safe contact, each done at the part by its adapter."""

from conformance.clause import NotTried, clause
from conformance.contract import differences
from conformance.events import Event
from conformance.trial import Trial

REFERRAL = frozenset({"referral"})


async def refer(trial: Trial, **given: str) -> Event:
    """Refers a person at the part, and gives the creation that it said."""
    made = await trial.hand("refer", **given)
    referral = str(made.get("referral_id", ""))
    trial.expect(bool(referral), "a referral_id of the new referral", made)
    trial.referrals[referral] = trial.locality
    return await trial.first(referral, "referral_created")


@clause("REF-1", "A referral is created once, by its schema, with an opaque person_ref", parts=REFERRAL)
async def created(trial: Trial) -> None:
    """Refers two people, waits, and compares what was said."""
    events = [await refer(trial), await refer(trial)]
    await trial.rest()
    for event in events:
        wrong = differences(event.event, event.data)
        trial.expect(not wrong, "a body by its schema", f"{wrong} in {event.line()}")
        found = trial.said(event.referral, "referral_created")
        trial.expect_one(found)
    refs = {event.data["person_ref"] for event in events}
    trial.expect(len(refs) == 2, "a person_ref of each person", refs)


@clause("REF-1/locality", "A person has another person_ref in another locality", parts=REFERRAL)
async def person_ref(trial: Trial) -> None:
    """Refers one person in two localities."""
    settings = trial.kit.settings
    if not settings.other_locality:
        raise NotTried("The part serves one locality: give --other-locality.")
    person = trial.new_id()
    here = await refer(trial, person=person)
    trial.locality = settings.other_locality
    there = await refer(trial, person=person)
    refs = here.data["person_ref"], there.data["person_ref"]
    trial.expect(refs[0] != refs[1], f"another person_ref than {refs[0]}, of {here.referral}", refs[1])


@clause("REF-2", "A person has one open referral in a locality", parts=REFERRAL)
async def one_open(trial: Trial) -> None:
    """Refers the same person twice."""
    person = trial.new_id()
    first = await refer(trial, person=person)
    again = await trial.hand("refer", person=person)
    other = again.get("referral_id")
    same = other in (None, first.referral)
    trial.expect(same or bool(again.get("refused")), "no second open referral", again)


@clause("REF-4", "An open referral is withdrawn by one fact", parts=REFERRAL)
async def withdrawn(trial: Trial) -> None:
    """Withdraws a referral twice."""
    event = await refer(trial)
    for _ in range(2):
        await trial.hand("withdraw", referral_id=event.referral)
    await trial.first(event.referral, "referral_withdrawn")
    await trial.rest()
    found = trial.said(event.referral, "referral_withdrawn")
    trial.expect_one(found)


@clause("REF-5", "A change of safe contact is a code, said once, and the next retracts it", parts=REFERRAL)
async def contact(trial: Trial) -> None:
    """Reports a person's number as unsafe for texts, and then once more."""
    event = await refer(trial)
    for _ in range(2):
        await trial.hand("contact", referral_id=event.referral, contact="ring")
    said = await trial.first(event.referral, "contact_changed")
    trial.expect(said.data["contact"] == "ring", "ring", said.line())
    await trial.rest()
    found = trial.said(event.referral, "contact_changed")
    trial.expect_one(found)
