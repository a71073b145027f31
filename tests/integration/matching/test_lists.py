"""No open case falls out of all lists, in any combination of owners."""

from collections.abc import Iterator
from itertools import product

import pytest

from services.matching.collections import LINK_WORKERS
from services.matching.referral_state.state import to_document
from shared.contract.events.topics import SOURCE_PARTS, SourcePart
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.ids import new_id
from shared.platform.localities import Localities
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from tests.harness.matching.decision_harness import DecisionHarness, worker
from tests.harness.matching.service_harness import OTHER_PRACTICE, PRACTICE, MatchingHarness, programme
from tests.harness.parts.owned import owned_by

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def combinations() -> Iterator[tuple[str, frozenset[SourcePart]]]:
    """A locality for each set of parts that are elsewhere."""
    for number, chosen in enumerate(product((False, True), repeat=len(SOURCE_PARTS))):
        elsewhere = frozenset(part for part, is_there in zip(SOURCE_PARTS, chosen, strict=True) if is_there)
        yield f"combo-{LETTERS[number // 26]}{LETTERS[number % 26]}", elsewhere


def table_of(combos: dict[str, frozenset[SourcePart]]) -> Localities:
    """One table with all of them."""
    known = [next(iter(programme(slug))) for slug in combos]
    table = Localities("Programme (example)", programme("meir").hub, tuple(known), ())
    for slug, parts in combos.items():
        for part in parts:
            table = owned_by(table, slug, part, f"{part}-js", None)
    return table


async def test_every_open_case_is_on_a_list_whoever_owns_what(town: MatchingHarness) -> None:
    combos = dict(combinations())
    assert len(combos) == 2 ** len(SOURCE_PARTS)
    mongo, features = town.kernel.mongo, town.app.state.features
    before = town.app.state.localities.numbered(0, {})
    small = DecisionHarness.of(worker())
    view = to_document(small.view(small.refer()))
    rows, expected = [], {}
    for slug in combos:
        kinds = product((None, f"lw-{slug}-1", f"lw-{slug}-2", f"lw-{slug}-9"), (PRACTICE, OTHER_PRACTICE))
        for whose, practice in kinds:
            name = new_id()
            created = {**view["created"], "practice": practice}
            mine = {**view, "link_worker": whose, "created": created}
            row = {"_id": aggregate_id(slug, name), "locality": slug, "referral": name, "view": mine}
            rows.append(row)
            expected[name] = slug
    staff = [
        worker(f"lw-{slug}-{letter}", locality=slug, active=letter == "1").model_dump(mode="json")
        for slug in combos
        for letter in "12"
    ]
    await mongo[LINK_WORKERS].insert_many([{**one, "_id": one.pop("id"), "v": 1} for one in staff])
    await mongo[REFERRALS].insert_many(rows)
    town.app.state.localities.become(table_of(combos))
    try:
        listed: dict[str, str] = {}
        for slug, parts in combos.items():
            who = f"lw-{slug}-1"
            caller = Principal(who, "link_worker", frozenset({slug}), link_worker=who)
            admin = Principal("admin", "programme_admin", frozenset({slug}))
            own: set[str] = set()
            if "casework" in parts:
                with pytest.raises(Problem, match="409"):
                    await features.queries.casework.caseload(caller)
            else:
                own = {case.referral_id for case in await features.queries.casework.caseload(caller)}
            overview = await features.queries.programme.overview(admin)
            shown = {case.referral_id for case in overview.cases}
            assert not own & shown
            assert len(shown) == overview.count
            assert own | shown == {name for name, there in expected.items() if there == slug}
            if "casework" in parts:
                assert {case.owner.name for case in overview.cases if case.owner} == {"casework-js"}
            (now,) = await features.queries.programme.programme(admin)
            assert {(each.part, each.owner.name) for each in now.elsewhere} == {
                (part, f"{part}-js") for part in parts
            }
            listed |= dict.fromkeys(own | shown, slug)
        assert listed == expected
    finally:
        town.app.state.localities.become(before)
        await mongo[REFERRALS].delete_many({"locality": {"$in": list(combos)}})
        await mongo[LINK_WORKERS].delete_many({"locality": {"$in": list(combos)}})
