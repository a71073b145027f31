"""Names of partners' topics, built and taken apart in one place."""

import pytest

from shared.contract.events.topics import (
    RESERVED_SLUGS,
    inbox_topic,
    parse_topic,
    partner_topics,
    refusals_topic,
    source_of_inbox,
)


def test_topics_of_a_partner_name_locality_and_partner() -> None:
    assert partner_topics("/leek-werrington/vast-hub") == [
        "in.leek-werrington.vast-hub",
        "refused.leek-werrington.vast-hub",
    ]


def test_source_of_an_inbox_is_the_one_that_names_it() -> None:
    assert source_of_inbox(inbox_topic("/meir/vast-hub")) == "/meir/vast-hub"


@pytest.mark.parametrize(
    "name",
    ["refused.meir.vast-hub", "in.meir", "in.meir.vast-hub.x", "in.Meir.hub", "meir.in.hub", "in..hub"],
)
def test_topic_that_is_no_inbox_has_no_source(name: str) -> None:
    assert source_of_inbox(name) is None


@pytest.mark.parametrize("source", ["meir/vast-hub", "/meir", "/meir/", "/in.meir/hub", ""])
def test_topic_of_no_source_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="no source"):
        inbox_topic(source)


def test_private_topics_stand_under_no_locality() -> None:
    private = [inbox_topic("/meir/hub"), refusals_topic("/meir/hub"), "linkwork.admission"]
    assert {name.partition(".")[0] for name in private} == RESERVED_SLUGS
    assert [parse_topic(name) for name in private] == [None] * 3
