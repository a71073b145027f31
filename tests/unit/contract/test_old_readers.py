"""A new code, a new kind and a new version, seen by readers that were built on the published schemas."""

import json
from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from shared.contract.compatibility import breaches, published
from shared.contract.events import topics
from shared.contract.events.envelope import Envelope, Refused, UnknownOutcome, read, read_body
from shared.contract.events.fact import Fact
from shared.contract.events.models import ReferralCreated
from shared.contract.events.vocabulary import Need
from shared.contract.history.fold import ALL_SECTIONS, fold_referral
from shared.contract.history.vectors.state import state_of
from shared.contract.stories import Play, load_all
from shared.contract.stories.states import SETTING, SOURCES, facts_of, ids

OLD = published()
CREATED, BOOKED, OUTCOME = (f"schemas/{topics.event_type(event)}.json" for event in topics.EVENTS)
NEW_NEED = "digital_skills"
NEW_KIND = "transport_arranged"


def is_read_by_an_old_reader(path: str, body: Any) -> bool:
    """True if a reader takes a body that validates by the published schema of reading."""
    schema = OLD[path.replace("schemas/", "schemas/reading/")]
    return bool(jsonschema.Draft202012Validator(schema).is_valid(body))


def body_of(label: str) -> dict[str, Any]:
    """A body of the story of a first visit."""
    story = load_all()["first-visit"]
    play = Play(story, SETTING, ids())
    said = {event.label: play.say(event) for event in story.events}
    body: dict[str, Any] = json.loads(said[label].raw)
    return body


def definition(version: Any, path: str, name: str) -> Any:
    """A definition of a schema of a version."""
    return version[path]["$defs"][name]


def test_new_need_is_read_as_other_and_breaks_no_old_reader() -> None:
    body = body_of("created") | {"needs": ["befriending", NEW_NEED]}
    assert is_read_by_an_old_reader(CREATED, body)
    read_as = read_body("referral-created", json.dumps(body).encode())
    assert isinstance(read_as, ReferralCreated)
    assert set(read_as.needs) == {Need.BEFRIENDING, Need.OTHER}

    new = deepcopy(dict(OLD))
    for path in (CREATED, OUTCOME):
        definition(new, path, "Need")["enum"].append(NEW_NEED)
    assert breaches(OLD, new) == []


def test_new_code_of_a_closed_list_is_refused_by_the_check() -> None:
    body = body_of("before") | {"stage": "yearly"}
    assert not is_read_by_an_old_reader(OUTCOME, body)
    new = deepcopy(dict(OLD))
    definition(new, OUTCOME, "Stage")["enum"].append("yearly")
    (found,) = breaches(OLD, new)
    assert (found.rule, found.place, found.party) == ("codes", "<measured>.stage", "readers")


def test_new_kind_is_kept_and_changes_no_state_of_an_old_reader() -> None:
    body = {name: body_of("attended")[name] for name in ("referral_id", "locality")}
    body |= {"kind": NEW_KIND, "by": "volunteer"}
    assert is_read_by_an_old_reader(OUTCOME, body)
    unknown = read_body("outcome-recorded", json.dumps(body).encode())
    assert isinstance(unknown, UnknownOutcome)

    facts = facts_of(Play(load_all()["first-visit"], SETTING, ids()))
    told = Fact("/meir/casework", "00000000-0000-7000-9000-000000000001", "outcome-recorded",
                facts[-1].time, facts[-1].recorded, unknown)  # fmt: skip
    before = state_of(fold_referral(facts, SOURCES), ALL_SECTIONS)
    assert state_of(fold_referral([told, *facts], SOURCES), ALL_SECTIONS) == before


def test_new_kind_is_allowed_by_the_check() -> None:
    new = deepcopy(dict(OLD))
    kind = deepcopy(definition(new, OUTCOME, "MeetingAttended"))
    kind["properties"]["kind"]["const"] = NEW_KIND
    new[OUTCOME]["$defs"]["TransportArranged"] = kind
    new[OUTCOME]["oneOf"].append({"$ref": "#/$defs/TransportArranged"})
    listed = new[OUTCOME].get("properties", {}).get("kind", {}).get("enum")
    if listed is not None:
        listed.append(NEW_KIND)
    assert breaches(OLD, new) == []


def record(version: int, topic: str) -> Envelope | Refused:
    """A booking of a version, read from a topic as our services read it."""
    play = Play(load_all()["first-visit"], SETTING, ids())
    play.say(play.story.event("created"))
    said = play.say(play.story.event("booked"))
    changed = {"ce_type": topics.event_type("meeting-booked", version).encode()}
    headers = [(name, changed.get(name, value)) for name, value in said.headers()]
    found = read(topic, said.body.referral_id.encode(), said.raw, headers)
    assert isinstance(found, Envelope | Refused)
    return found


def test_new_version_beside_the_old_one_is_another_topic() -> None:
    assert "meir.meeting-booked.v2" not in topics.event_topics("meir")
    assert isinstance(record(1, "meir.meeting-booked.v1"), Envelope)
    # A record of the new version that somebody puts into the old topic is refused, never misread.
    assert record(2, "meir.meeting-booked.v1") == Refused("later_version")


@pytest.mark.parametrize("name", ["asyncapi/partner.json", "asyncapi/casework.json"])
def test_new_topic_beside_the_old_one_is_allowed_by_the_check(name: str) -> None:
    new = deepcopy(dict(OLD))
    channel = deepcopy(new[name]["channels"]["MeetingBooked"])
    channel["address"] = "{locality}.meeting-booked.v2"
    new[name]["channels"]["MeetingBookedV2"] = channel
    new[name]["operations"]["receiveMeetingBookedV2"] = {
        **new[name]["operations"]["receiveMeetingBooked"],
        "channel": {"$ref": "#/channels/MeetingBookedV2"},
    }
    assert breaches(OLD, new) == []
    # In place of the old one, it is not.
    new[name]["channels"]["MeetingBooked"]["address"] = "{locality}.meeting-booked.v2"
    assert {each.rule for each in breaches(OLD, new)} == {"address"}
