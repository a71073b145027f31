"""The demonstration's link workers fit everything that knows of them."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from deploy.demo.link_workers import link_workers, rooms
from deploy.development.settings import USERS_FILE
from deploy.development.users import load_users
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.rooms import Room
from shared.platform.localities import load_localities

WORKERS = [LinkWorker.model_validate(one) for one in link_workers(date(2026, 11, 18))]


def test_they_are_those_who_can_sign_in_under_the_same_name() -> None:
    users = load_users(USERS_FILE).users.values()
    signing_in = {user.id: (user.name, user.localities) for user in users if user.role == "link_worker"}
    assert signing_in == {worker.id: (worker.name, (worker.locality,)) for worker in WORKERS}


def test_each_practice_has_hours_and_its_own_link_workers() -> None:
    programme = load_localities()
    for locality in programme:
        ours = [worker for worker in WORKERS if worker.locality == locality.slug]
        assert {code for worker in ours for code in worker.practices} == {p.ods for p in locality.practices}


def test_each_place_is_a_room_that_no_two_use_at_once() -> None:
    kept = {each["id"]: Room.model_validate(each) for each in rooms()}
    hours = [(worker, each) for worker in WORKERS for each in worker.hours]
    for worker, each in hours:
        assert each.room is not None
        assert (kept[each.room].locality, kept[each.room].place) == (worker.locality, each.place)
    for (_, one), (_, other) in itertools.combinations(hours, 2):
        same = one.room == other.room and one.weekday == other.weekday
        assert not (same and one.opens < other.closes and other.opens < one.closes)


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.id)
def test_link_worker_is_never_at_two_places_at_once(worker: LinkWorker) -> None:
    hours = sorted(worker.hours, key=lambda one: (one.weekday, one.opens))
    for earlier, later in itertools.pairwise(hours):
        assert earlier.weekday < later.weekday or earlier.closes <= later.opens


def test_contacts_are_invented_and_each_is_one_person_s() -> None:
    assert all(worker.telephone.startswith("01632 960") for worker in WORKERS)
    assert all(worker.email.endswith(".example") for worker in WORKERS)
    assert (
        len({worker.telephone for worker in WORKERS})
        == len({worker.email for worker in WORKERS})
        == len(WORKERS)
    )


def test_leave_is_counted_from_the_week_of_loading() -> None:
    bentilee = next(worker for worker in WORKERS if worker.id == "lw-bentilee-1")
    assert (bentilee.leave[0].first, bentilee.leave[0].last) == (date(2026, 12, 21), date(2026, 12, 25))
