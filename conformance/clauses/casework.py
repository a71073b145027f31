"""Casework and directory: what they answer over HTTP, and what is done at them by their adapters."""

import re
from datetime import timedelta

from conformance import roles
from conformance.clause import clause
from conformance.trial import Trial, now

CASEWORK = frozenset({"casework"})
DIRECTORY = frozenset({"directory"})
_LINK_WORKERS = "/api/contract/v1/casework/link-workers"


@clause("CASE-9", "Casework's owner answers whose a case is", parts=CASEWORK)
async def handed_over(trial: Trial) -> None:
    """Hands a case over by a fact of the part's own past, and asks for its link worker."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    scene.by = trial.kit.world.rosters[trial.locality].others_of(scene.by)[0]
    await trial.tell("casework", "link_worker_changed", scene.referral, link_worker=scene.by)
    await roles.shown(trial, scene)


@clause("CASE-10", "The list of link workers has ids of the contract, hours and practices", parts=CASEWORK)
async def link_workers(trial: Trial) -> None:
    """Reads the list, and reads it again with its entity tag."""
    first = await trial.ask("GET", _LINK_WORKERS, "contacts:read", locality=trial.locality)
    trial.expect(first.status_code == 200, "200", first.status_code)
    listed = first.json()["link_workers"]
    trial.expect(bool(listed), "a link worker", first.text)
    form = re.compile(rf"lw-{trial.locality}-[0-9]{{1,4}}|[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
    for entry in listed:
        trial.expect(bool(form.fullmatch(entry["id"])), f"an id of {trial.locality}", entry["id"])
        trial.expect(isinstance(entry["hours"], list) and "leave" in entry, "hours and leave", entry)
    tag = first.headers.get("etag", "")
    trial.expect(bool(tag), "an ETag", dict(first.headers))
    token = trial.kit.token(scope="contacts:read")
    again = await trial.kit.http.get(
        f"{trial.api}{_LINK_WORKERS}",
        params={"locality": trial.locality},
        headers={"authorization": f"Bearer {token}", "if-none-match": tag},
    )
    trial.expect(again.status_code == 304, "304, as nothing has changed", again.status_code)


@clause("CASE-1", "The link worker says that a meeting was attended, once", parts=CASEWORK)
async def attended(trial: Trial) -> None:
    """Says a meeting of an hour ago, and records at the part that the person came."""
    created = trial.creation()
    starts = (now() - timedelta(hours=1)).replace(microsecond=0)
    booked = trial.booking("booking", created.referral, starts_at=starts.isoformat().replace("+00:00", "Z"))
    scene = roles.Scene(created.referral, [created, booked], booked.data["link_worker"])
    await roles.play(trial, [scene])
    await trial.hand("attended", referral_id=created.referral, meeting_id=booked.data["meeting_id"])
    said = await trial.until(
        "meeting_attended", lambda: next(iter(trial.said(created.referral, "meeting_attended")), None)
    )
    trial.expect(said.data["meeting_id"] == booked.data["meeting_id"], "the meeting", said.line())


@clause("DIR-1", "A service that the directory issued has a mailbox, another is unknown", parts=DIRECTORY)
async def service(trial: Trial) -> None:
    """Asks for a service that the adapter names, and for one that never was."""
    named = await trial.hand("service")
    path = "/api/matching/v1/services"
    found = await trial.ask(
        "GET", f"{path}/{named['service_id']}", "contacts:read directory:read", locality=trial.locality
    )
    trial.expect(found.status_code == 200, "200", f"{found.status_code} {found.text}")
    unknown = await trial.ask(
        "GET", f"{path}/{trial.new_id()}", "contacts:read directory:read", locality=trial.locality
    )
    trial.expect(unknown.status_code == 404, "404", unknown.status_code)


@clause("DIR-3", "A link of an ended case does nothing", parts=DIRECTORY)
async def ended(trial: Trial) -> None:
    """Ends a referral with a prescription, erases another person, and asks for the links of both."""
    withdrawn, erased = await roles.make(trial), await roles.make(trial)
    await roles.play(trial, [withdrawn, erased])
    ref = erased.events[0].data["person_ref"]
    await trial.tell(
        "referral", "referral_withdrawn", withdrawn.referral, by="practice", reason="person_asked"
    )
    await trial.tell("referral", "person_erased", erased.referral, person_ref=ref)
    await trial.rest()
    for name, scene in (("withdrawn", withdrawn), ("erased", erased)):
        found = await roles.effects(trial, scene)
        trial.expect(found == 0, f"no link of the {name} referral", "a link")
