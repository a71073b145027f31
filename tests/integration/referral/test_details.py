"""A referral shows its person as they were when it was made, whatever was learnt of them since."""

from typing import Any

from services.referral.identity.vault import entries
from shared.platform.clock import system_clock
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness
from tests.integration.referral.test_claims import claim

BASE = "/api/referral/v1"


async def withdraw(referral: ReferralHarness, made: str) -> None:
    answer = await referral.http.post(
        f"{BASE}/referrals/{made}/withdraw", json={"reason": "person_asked"}, headers=referral.referrer()
    )
    assert answer.status_code == 200, answer.text


async def claimed(referral: ReferralHarness, made: str, *fields: str) -> dict[str, Any]:
    found: dict[str, Any] = (await claim(referral, made, fields=list(fields))).json()["people"][made]
    return found


async def entry_of(referral: ReferralHarness, made: str) -> entries.Entry:
    return (await entries.entries(referral.mongo, referral.here, [made]))[made]


async def test_earlier_referral_after_a_move_shows_the_old_address(referral: ReferralHarness) -> None:
    body = referral_body(house="1 Gooseberry Row", telephone="07700 900111", email="old@example.org")
    first = await referral.made(body)
    await withdraw(referral, first)
    moved = body | {"house": "2 Damson Street", "postcode": "ST3 6AD", "telephone": "07700 900222"}
    del moved["email"]
    second = await referral.made(moved)

    wanted = ("address", "postcode", "telephone", "email")
    assert await claimed(referral, first, *wanted) == {
        "address": "1 Gooseberry Row",
        "postcode": "ST3 6AB",
        "telephone": "+447700900111",
        "email": "old@example.org",
    }
    assert await claimed(referral, second, *wanted) == {
        "address": "2 Damson Street",
        "postcode": "ST3 6AD",
        "telephone": "+447700900222",
    }


async def test_change_while_open_shows_in_the_open_referral_only(referral: ReferralHarness) -> None:
    body = referral_body(telephone="07700 900333")
    first = await referral.made(body)
    await withdraw(referral, first)
    second = await referral.made(body)
    entry, now = await entry_of(referral, second), system_clock()

    async def change(tx: Any) -> None:
        changes = {"telephone": "+447700900444", "safe_to_text": "ring"}
        await referral.context.vault.change(tx, entry, changes, "somebody-at-the-practice", now)

    await referral.context.kernel.transact(change)

    assert await claimed(referral, first, "telephone", "safe_to_text") == {
        "telephone": "+447700900333",
        "safe_to_text": "yes",
    }
    assert await claimed(referral, second, "telephone", "safe_to_text") == {
        "telephone": "+447700900444",
        "safe_to_text": "ring",
    }
    past = await referral.context.vault.past(referral.mongo, entry.person, ["telephone"])
    assert [(old.text, old.until) for old in past] == [
        ("+447700900333", now.replace(microsecond=now.microsecond // 1000 * 1000))
    ]


async def test_past_details_of_an_erased_person_are_gone(referral: ReferralHarness) -> None:
    body = referral_body()
    first = await referral.made(body)
    await withdraw(referral, first)
    second = await referral.made(body | {"house": "2 Damson Street"})
    person = (await entry_of(referral, second)).person
    assert len(await referral.context.vault.past(referral.mongo, person, ["house"])) == 1

    await referral.http.post(f"{BASE}/referrals/{second}/erase", headers=referral.admin())

    assert await referral.context.vault.past(referral.mongo, person, ["house"]) == []
    assert await referral.mongo["people"].find_one({"_id": person}) is None
