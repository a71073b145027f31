"""Referral: the claim check, and erasure."""

import json

import httpx

from conformance.answers import document
from conformance.clause import clause
from conformance.clauses.referral import REFERRAL, refer
from conformance.issuer import ANOTHER
from conformance.trial import Trial

_CLAIMS = "/api/referral/v1/claims"
_SCOPE = "claims:read"
_FIELDS = ["name", "telephone", "safe_to_text"]


async def _claim(trial: Trial, referral: str) -> httpx.Response:
    query = {"locality": trial.locality, "fields": "name", "purpose": "meeting"}
    return await trial.ask("GET", f"{_CLAIMS}/{referral}", _SCOPE, **query)


@clause("REF-3", "The claim check gives the fields that were asked for, 404 for the unknown", parts=REFERRAL)
async def claims(trial: Trial) -> None:
    """Refers a person and asks for fields of them and of a referral that never was."""
    event = await refer(trial)
    body = {
        "locality": trial.locality,
        "referrals": [event.referral, trial.new_id()],
        "fields": _FIELDS,
        "purpose": "meeting",
        "on_behalf_of": "conformance-user",
    }
    answer = await trial.ask("POST", _CLAIMS, _SCOPE, body)
    trial.expect(answer.status_code == 200, "200", answer.status_code)
    found = document(answer)
    person = found["people"].get(event.referral, {})
    trial.expect(bool(person.get("name")) and set(person) <= set(_FIELDS), "the fields asked for", person)
    trial.expect(found["missing"] == {body["referrals"][1]: 404}, "404 for the other", found["missing"])
    one = await _claim(trial, event.referral)
    trial.expect(one.status_code == 200 and set(document(one)) == {"name"}, "the name alone", one.text)
    none = await _claim(trial, trial.new_id())
    trial.expect(none.status_code == 404, "404", none.status_code)


@clause("REF-3/token", "The claim check refuses a token of another locality, and none at all", parts=REFERRAL)
async def tokens(trial: Trial) -> None:
    """Asks with a token of another locality, for another audience, without the scope, and without any."""
    event = await refer(trial)
    query = {"locality": trial.locality, "fields": "name", "purpose": "meeting"}
    callers = (
        ("of another locality", 403, trial.kit.token(localities=["elsewhere"], scope=_SCOPE)),
        ("for another audience", 401, trial.kit.token(aud=ANOTHER, scope=_SCOPE)),
        ("that is none", 401, "not-a-token"),
    )
    for name, wanted, token in callers:
        headers = {"authorization": f"Bearer {token}"}
        how = f"with a token {name}"
        answer = await trial.request("GET", f"{_CLAIMS}/{event.referral}", headers, how=how, **query)
        trial.expect(
            answer.status_code == wanted,
            f"{wanted} for a token {name}",
            f"{answer.status_code} {answer.text}",
        )
    scoped = await trial.ask("GET", f"{_CLAIMS}/{event.referral}", "meetings:read", **query)
    trial.expect(scoped.status_code == 403, "403 without the scope", scoped.status_code)


@clause("ERASE-1", "Once erased, the claim check answers 410 and person_erased is said", parts=REFERRAL)
async def erased(trial: Trial) -> None:
    """Erases a person at the part, then asks for them."""
    event = await refer(trial)
    await trial.hand("erase", referral_id=event.referral)
    gone = await _claim(trial, event.referral)
    trial.expect(gone.status_code == 410, "410", f"{gone.status_code} {gone.text}")
    await trial.first(event.referral, "person_erased")
    await trial.rest()
    found = trial.said(event.referral, "person_erased")
    trial.expect_one(found)


@clause("ERASE-5", "A person who is referred again after an erasure is somebody new", parts=REFERRAL)
async def somebody_new(trial: Trial) -> None:
    """Erases a person and refers the same one again."""
    person = trial.new_id()
    first = await refer(trial, person=person)
    await trial.hand("erase", referral_id=first.referral)
    second = await refer(trial, person=person)
    new = first.referral != second.referral and first.data["person_ref"] != second.data["person_ref"]
    trial.expect(new, "another referral and another person_ref", json.dumps([first.data, second.data]))
