"""The differences between topics as wanted and as they are."""

from dataclasses import replace

import pytest

from bridge.streams.topic_plan import (
    Difference,
    Existing,
    differences,
    partition_differences,
    sentences,
)
from bridge.streams.topics import TopicNames, TopicSpec, specs

WANTED = specs(TopicNames(), ["wms"], partitions=12)


def as_wanted() -> dict[str, Existing]:
    return {
        spec.name: Existing(spec.partitions, spec.replication, dict(spec.config))
        for spec in WANTED
    }


def spec_of(name: str) -> TopicSpec:
    return next(spec for spec in WANTED if spec.name == name)


def the_difference(existing: dict[str, Existing]) -> Difference:
    (found,) = differences(WANTED, existing)
    return found


def test_topics_as_wanted_differ_in_nothing() -> None:
    assert differences(WANTED, as_wanted()) == []


def test_topics_of_others_and_more_settings_are_no_difference() -> None:
    existing = as_wanted()
    raw = existing["returns.raw"]
    existing["returns.raw"] = replace(raw, config={**raw.config, "segment.ms": "9"})
    existing["orders"] = Existing(1, 1)

    assert differences(WANTED, existing) == []


def test_a_missing_topic_blocks_and_can_be_made() -> None:
    existing = as_wanted()
    del existing["returns.raw"]

    found = the_difference(existing)

    assert (found.topic, found.blocking, found.mendable) == ("returns.raw", True, True)


@pytest.mark.parametrize("partitions", [6, 24])
def test_another_number_of_partitions_blocks_and_cannot_be_mended(
    partitions: int,
) -> None:
    existing = as_wanted()
    existing["returns.raw"] = replace(existing["returns.raw"], partitions=partitions)

    found = the_difference(existing)

    assert (found.setting, found.blocking, found.mendable) == (
        "partitions",
        True,
        False,
    )
    assert f"set topics.partitions to {partitions} in every process" in found.verdict
    assert partition_differences(WANTED, existing) == [found]


def test_a_topic_that_is_not_co_partitioned_may_have_any_number() -> None:
    existing, topic = as_wanted(), "returns.links"
    existing[topic] = replace(existing[topic], partitions=1)

    assert differences(WANTED, existing) == []


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_another_clean_up_policy_blocks_and_can_be_mended(policy: str) -> None:
    existing = as_wanted()
    config = {**spec_of("returns.snapshots").config, "cleanup.policy": policy}
    existing["returns.snapshots"] = Existing(12, 3, config)

    found = the_difference(existing)

    assert found.setting == "cleanup.policy"
    assert (found.blocking, found.mendable) == (True, True)


def test_another_retention_is_told_and_blocks_nothing() -> None:
    existing = as_wanted()
    config = {**spec_of("returns.raw").config, "retention.ms": "1"}
    existing["returns.raw"] = Existing(12, 3, config)

    found = the_difference(existing)

    assert (found.setting, found.blocking, found.mendable) == (
        "retention.ms",
        False,
        True,
    )


def test_fewer_replicas_are_told_with_the_tool_that_makes_more() -> None:
    existing = as_wanted()
    existing["returns.raw"] = replace(existing["returns.raw"], replication=1)

    found = the_difference(existing)

    assert (found.blocking, found.mendable) == (False, False)
    assert "Kafka's own tool" in found.verdict


def test_more_replicas_than_wanted_are_welcome() -> None:
    existing = as_wanted()
    existing["returns.raw"] = replace(existing["returns.raw"], replication=5)

    assert differences(WANTED, existing) == []


def test_a_setting_that_is_absent_is_called_so() -> None:
    existing = as_wanted()
    existing["returns.raw"] = Existing(12, 3, {"cleanup.policy": "delete"})

    said = sentences(differences(WANTED, existing))

    assert "topic returns.raw: retention.ms is not set, wanted 1209600000" in said


def test_what_befalls_many_topics_is_said_once() -> None:
    existing = as_wanted()
    for name in ("returns.raw", "returns.events"):
        existing[name] = replace(existing[name], partitions=6)

    said = sentences(differences(WANTED, existing))

    assert said.startswith(
        "topics returns.raw, returns.events: partitions is 6, wanted 12: "
    )
    assert "\n" not in said


def test_of_topics_that_are_not_there_yet_no_partitions_are_compared() -> None:
    assert partition_differences(WANTED, {}) == []
