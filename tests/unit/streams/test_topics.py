"""The table of topics, their names and what they need of the broker."""

from dataclasses import fields
from datetime import timedelta

import pytest

from bridge.streams.topics import (
    MESSAGE_LIMIT,
    TABLE,
    TopicNames,
    TopicSpec,
    specs,
)

NAMES = TopicNames()


def by_name(*targets: str) -> dict[str, TopicSpec]:
    return {spec.name: spec for spec in specs(NAMES, targets)}


def test_every_row_of_the_table_has_its_name() -> None:
    names = {
        NAMES.raw,
        NAMES.events,
        NAMES.snapshots,
        NAMES.hints,
        NAMES.links,
        NAMES.cursors,
        NAMES.instructions,
        NAMES.dead_inbound,
        NAMES.dead("wms"),
        NAMES.parked("wms"),
        NAMES.receipts("wms"),
    }

    assert names == set(by_name("wms"))


def test_the_prefix_is_in_front_of_every_name() -> None:
    wanted = specs(TopicNames("staging.returns"), ["wms"])

    assert all(spec.name.startswith("staging.returns.") for spec in wanted)


def test_each_target_has_topics_of_its_own() -> None:
    assert len(specs(NAMES, ["a", "b"])) == len(specs(NAMES, [])) + 6


@pytest.mark.parametrize(
    ("topic", "days"),
    [
        ("raw", 14),
        ("events", 90),
        ("hints", 3),
        ("instructions", 30),
        ("dead.inbound", 90),
        ("dead.wms", 90),
        ("receipts.wms", 30),
    ],
)
def test_logs_are_kept_for_their_days(topic: str, days: int) -> None:
    config = by_name("wms")[f"returns.{topic}"].config

    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == str(days * 86_400_000)


@pytest.mark.parametrize("topic", ["snapshots", "links", "cursors", "parked.wms"])
def test_tables_are_compacted_and_never_deleted(topic: str) -> None:
    config = by_name("wms")[f"returns.{topic}"].config

    assert config["cleanup.policy"] == "compact"
    assert "retention.ms" not in config


def test_a_configuration_may_keep_a_log_for_another_time() -> None:
    wanted = specs(NAMES, ["wms"], retention={"dead.<target>": timedelta(days=1)})

    config = {spec.name: spec.config for spec in wanted}["returns.dead.wms"]
    assert config["retention.ms"] == "86400000"


def test_all_that_is_keyed_by_subject_or_account_is_co_partitioned() -> None:
    apart = {row.name for row in TABLE if not row.co_partitioned}

    assert apart == {"links"}


def test_production_survives_the_loss_of_a_broker() -> None:
    for spec in specs(NAMES, ["wms"]):
        assert spec.replication == 3
        assert spec.config["min.insync.replicas"] == "2"
        assert spec.config["unclean.leader.election.enable"] == "false"


def test_a_single_node_replicates_nothing() -> None:
    for spec in specs(NAMES, ["wms"], profile="single-node", partitions=4):
        assert (spec.replication, spec.partitions) == (1, 4)
        assert spec.config["min.insync.replicas"] == "1"


def test_topics_of_bodies_take_bodies_at_the_inbound_limit() -> None:
    raw = by_name()["returns.raw"]

    assert raw.config["max.message.bytes"] == str(MESSAGE_LIMIT)


def test_every_row_says_what_it_holds_for_whom() -> None:
    texts = [field.name for field in fields(TABLE[0]) if field.type is str]

    assert texts
    assert all(getattr(row, text) for row in TABLE for text in texts)
