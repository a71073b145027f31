"""Casework and directory: what they answer over HTTP, and what is done at them by their adapters."""

import asyncio
import re

from conformance import roles
from conformance.answers import document
from conformance.clause import Broken, clause
from conformance.events import Event
from conformance.trial import Trial
from conformance.vectors import calls_for_booking, of_one_referral, placed, without_partners

CASEWORK = frozenset({"casework"})
DIRECTORY = frozenset({"directory"})
_FILES = ("counting", "meetings", "retraction", "endings", "casework")
_LINK_WORKERS = "/api/contract/v1/casework/link-workers"


@clause("CASE-9", "Casework's owner answers whose a case is", parts=CASEWORK)
async def handed_over(trial: Trial) -> None:
    """Hands a case over by a fact of the part's own past, and asks for its link worker."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    scene.by = trial.kit.world.rosters[trial.locality].others_of(scene.by)[0]
    await trial.tell("casework", "link_worker_changed", scene.referral, link_worker=scene.by)
    await roles.shown(trial, scene)


@clause("F10/cases", "Whose a case is follows from the whole set, as the vectors show", parts=CASEWORK)
async def fold(trial: Trial) -> None:
    """Says the facts of vectors that call for no booking in random order, and asks whose the cases are."""
    known = [each for each in without_partners(_FILES) if of_one_referral(each)]
    played, said = [], list[Event]()
    for vector in known:
        if calls_for_booking(vector["state"]):
            continue
        events, state = placed(trial, vector)
        trial.referrals[events[0].referral] = trial.locality
        played.append((vector["name"], events[0].referral, state["meetings"]["link_worker"]))
        said += events
    trial.rng.shuffle(said)
    await trial.say_any(*said)
    body = {"locality": trial.locality, "referrals": [referral for _, referral, _ in played]}
    limit = trial.clause.limit * trial.kit.settings.patience
    end = asyncio.get_running_loop().time() + limit
    while True:
        with trial.last_only():
            answer = await trial.ask("POST", roles.CASES, "contacts:read", body)
        found = document(answer)["link_workers"] if answer.is_success else {}
        wrong = [
            f"{name}: {found.get(referral)} in place of {worker} for {referral}"
            for name, referral, worker in played
            if found.get(referral) != worker
        ]
        if not wrong:
            return
        if asyncio.get_running_loop().time() > end:
            raise Broken(f"the link worker of each vector within {limit:.0f} s", "; ".join(wrong[:5]))
        await trial.kit.bus.changes(0.3)


@clause("CASE-10", "The list of link workers has ids of the contract, hours and practices", parts=CASEWORK)
async def link_workers(trial: Trial) -> None:
    """Reads the list, and reads it again with its entity tag."""
    first = await trial.ask("GET", _LINK_WORKERS, "contacts:read", locality=trial.locality)
    trial.expect(first.status_code == 200, "200", first.status_code)
    listed = document(first)["link_workers"]
    trial.expect(bool(listed), "a link worker", first.text)
    form = re.compile(rf"lw-{trial.locality}-[0-9]{{1,4}}|[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
    for entry in listed:
        trial.expect(bool(form.fullmatch(entry["id"])), f"an id of {trial.locality}", entry["id"])
        trial.expect(isinstance(entry["hours"], list) and "leave" in entry, "hours and leave", entry)
    tag = first.headers.get("etag", "")
    trial.expect(bool(tag), "an ETag", dict(first.headers))
    headers = {"authorization": f"Bearer {trial.kit.token(scope='contacts:read')}", "if-none-match": tag}
    how = f"with if-none-match: {tag}"
    again = await trial.request("GET", _LINK_WORKERS, headers, how=how, locality=trial.locality)
    trial.expect(again.status_code == 304, "304, as nothing has changed", again.status_code)


@clause("CASE-1", "The link worker says that a meeting was attended, once", parts=CASEWORK)
async def attended(trial: Trial) -> None:
    """Says a meeting of an hour ago, and records at the part that the person came."""
    said = await roles.attend(trial)
    (meeting,) = (each for each in trial.state(said.referral).meetings)
    trial.expect(said.data["meeting_id"] == meeting.id, f"attended, of {meeting.id}", said.line())
    await trial.rest()
    trial.expect_one(trial.said(said.referral, "meeting_attended"))


@clause("DIR-1", "A service that the directory issued has a mailbox, another is unknown", parts=DIRECTORY)
async def service(trial: Trial) -> None:
    """Asks for a service that the adapter names, and for one that never was."""
    named = await trial.hand("service")
    path = "/api/matching/v1/services"
    found = await trial.ask(
        "GET", f"{path}/{named['service_id']}", "contacts:read directory:read", locality=trial.locality
    )
    trial.expect(found.status_code == 200, "200", f"{found.status_code} {found.text}")
    named_so = document(found)["service"]["id"] == named["service_id"]
    trial.expect(named_so, f"`service` with the id {named['service_id']}", found.text)
    unknown = await trial.ask(
        "GET", f"{path}/{trial.new_id()}", "contacts:read directory:read", locality=trial.locality
    )
    trial.expect(unknown.status_code == 404, "404 for a service that never was", unknown.status_code)


@clause("DIR-3", "A link of an ended case does nothing", parts=DIRECTORY)
async def ended(trial: Trial) -> None:
    """Ends a referral with a prescription, and asks for its link."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    await trial.tell("referral", "referral_withdrawn", scene.referral, by="practice", reason="person_asked")
    await _no_link(trial, scene, "the withdrawn referral")


@clause("ERASE-3/links", "An erased person's services have no link any more", parts=DIRECTORY)
async def erased(trial: Trial) -> None:
    """Erases a person with a prescription, and asks for its link."""
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    ref = scene.events[0].data["person_ref"]
    await trial.tell("referral", "person_erased", scene.referral, person_ref=ref)
    await _no_link(trial, scene, "the erased person")


async def _no_link(trial: Trial, scene: roles.Scene, whose: str) -> None:
    """Waits until there is no link of a scene, and that it stays so."""
    limit = trial.clause.limit * trial.kit.settings.patience
    end = asyncio.get_running_loop().time() + limit
    while await roles.effects(trial, scene):
        if asyncio.get_running_loop().time() > end:
            raise Broken(f"no link of {whose} within {limit:.0f} s", "a link")
        await trial.kit.bus.changes(0.3)


@clause("DIR-2", "A service's answer is said once, and by directory", parts=DIRECTORY)
async def replied(trial: Trial) -> None:
    """Gives a service's yes on a former owner's link, waits, and looks at what was said."""
    said = await roles.reply(trial)
    trial.expect(said.data["reply"] == "accepted", "accepted", said.line())
    await trial.rest()
    trial.expect_one(trial.said(said.referral, "provider_replied"))
