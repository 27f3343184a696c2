"""`topics apply` and `topics check` on a real broker."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bridge.cli import topics as cli
from bridge.cli.common import outcome
from bridge.errors import ConfigError
from bridge.streams.connection import KafkaOptions
from bridge.streams.topic_admin import apply_topics, check_topics, plan_topics
from bridge.streams.topics import TopicNames, TopicSpec, specs
from tests.support.broker import Broker, options_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

Specs = tuple[TopicSpec, ...]


@pytest.fixture
def options(kafka: Broker) -> KafkaOptions:
    return options_of(kafka)


@pytest.fixture
async def admin(kafka: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def wanted(names: TopicNames) -> Specs:
    return specs(names, ["wms"], partitions=3, profile="single-node")


async def config_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
    (response,) = await admin.describe_configs(asked)
    ((_, _, _, _, entries),) = response.resources
    return {entry[0]: entry[1] for entry in entries}


async def known(admin: AIOKafkaAdminClient, topic: str) -> None:
    """Wait until the broker shows a topic that its controller has made."""

    async def shown() -> bool:
        return topic in await admin.list_topics()

    await wait_until(shown, what=f"topic {topic}")


async def test_apply_makes_every_topic_as_the_table_says(
    options: KafkaOptions, wanted: Specs, admin: AIOKafkaAdminClient
) -> None:
    changed = await apply_topics(options, wanted)

    assert {each.topic for each in changed} == {spec.name for spec in wanted}
    for topic in await admin.describe_topics([spec.name for spec in wanted]):
        assert len(topic["partitions"]) == 3
    for spec in wanted:
        config = await config_of(admin, spec.name)
        assert spec.config.items() <= config.items()


async def test_apply_may_be_repeated_and_then_changes_nothing(
    options: KafkaOptions, wanted: Specs
) -> None:
    await apply_topics(options, wanted)

    assert await apply_topics(options, wanted) == []
    await check_topics(options, wanted)


async def test_a_plan_changes_nothing(options: KafkaOptions, wanted: Specs) -> None:
    first = await plan_topics(options, wanted)

    assert len(first) == len(wanted)
    assert await plan_topics(options, wanted) == first


async def test_a_role_does_not_start_without_its_topics(
    options: KafkaOptions, wanted: Specs
) -> None:
    with pytest.raises(ConfigError, match="missing: run `returns-bridge topics apply`"):
        await check_topics(options, wanted)


async def test_a_process_with_another_number_of_partitions_does_not_start(
    options: KafkaOptions, wanted: Specs, names: TopicNames
) -> None:
    await apply_topics(options, wanted)
    other = specs(names, ["wms"], partitions=6, profile="single-node")

    with pytest.raises(ConfigError) as refused:
        await check_topics(options, other)

    said = str(refused.value)
    assert f"{names.raw}, {names.events}, {names.snapshots}" in said
    assert "partitions is 3, wanted 6" in said
    assert "set topics.partitions to 3" in said
    assert names.links not in said


async def test_apply_refuses_another_number_of_partitions_and_changes_nothing(
    options: KafkaOptions, wanted: Specs, names: TopicNames
) -> None:
    await apply_topics(options, wanted)
    other = specs(names, ["wms", "erp"], partitions=6, profile="single-node")
    before = await plan_topics(options, other)

    with pytest.raises(ConfigError, match="partitions is 3, wanted 6"):
        await apply_topics(options, other)

    assert await plan_topics(options, other) == before


async def test_a_topic_with_the_wrong_clean_up_is_refused_and_mended(
    options: KafkaOptions,
    wanted: Specs,
    names: TopicNames,
    admin: AIOKafkaAdminClient,
) -> None:
    by_hand = {"cleanup.policy": "delete"}
    await admin.create_topics([NewTopic(names.snapshots, 3, 1, topic_configs=by_hand)])
    await known(admin, names.snapshots)

    with pytest.raises(ConfigError, match=r"cleanup\.policy is delete, wanted compact"):
        await check_topics(options, wanted)
    await apply_topics(options, wanted)

    await check_topics(options, wanted)
    assert (await config_of(admin, names.snapshots))["cleanup.policy"] == "compact"


async def test_what_an_operator_has_set_stays_when_apply_mends_something_else(
    options: KafkaOptions,
    wanted: Specs,
    names: TopicNames,
    admin: AIOKafkaAdminClient,
) -> None:
    raw = next(spec for spec in wanted if spec.name == names.raw)
    theirs = {**raw.config, "retention.ms": "1000", "segment.bytes": "16777216"}
    await admin.create_topics([NewTopic(raw.name, 3, 1, topic_configs=theirs)])
    await known(admin, raw.name)

    changed = await apply_topics(options, wanted)

    config = await config_of(admin, raw.name)
    assert config["retention.ms"] == raw.config["retention.ms"]
    assert config["segment.bytes"] == "16777216"
    assert [each.setting for each in changed if each.topic == raw.name] == [
        "retention.ms"
    ]


async def test_another_retention_is_told_and_keeps_nobody_from_starting(
    options: KafkaOptions, wanted: Specs, names: TopicNames
) -> None:
    await apply_topics(options, wanted)
    longer = specs(
        names,
        ["wms"],
        partitions=3,
        profile="single-node",
        retention={"raw": timedelta(days=30)},
    )

    await check_topics(options, longer)

    (found,) = await plan_topics(options, longer)
    assert (found.topic, found.setting) == (names.raw, "retention.ms")


async def test_more_replicas_than_brokers_are_refused_with_the_remedy(
    options: KafkaOptions, wanted: Specs
) -> None:
    many = [replace(spec, replication=101) for spec in wanted]

    with pytest.raises(ConfigError, match=r"set topics\.profile to single-node"):
        await apply_topics(options, many)


async def test_looking_for_topics_does_not_create_them(
    options: KafkaOptions, wanted: Specs, admin: AIOKafkaAdminClient
) -> None:
    with pytest.raises(ConfigError):
        await check_topics(options, wanted)

    assert not {spec.name for spec in wanted} & set(await admin.list_topics())


def test_the_commands_apply_and_check_what_a_configuration_needs(
    kafka: Broker,
    names: TopicNames,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HASH_KEY", "hash-key")
    path = tmp_path / "bridge.yaml"
    path.write_text(
        f'kafka: {{bootstrap: "{kafka.bootstrap}"}}\n'
        f"topics: {{prefix: {names.prefix}, partitions: 3, profile: single-node}}\n"
        "privacy: {hash_key: {env: HASH_KEY}}\n"
    )

    def shell(*words: str) -> tuple[int, str]:
        code = outcome(cli.commands, [*words, "--config", str(path)])
        return code, capsys.readouterr().out

    code, said = shell("check", "--json")
    assert code == 1
    assert json.loads(said.splitlines()[0])["setting"] == "topic"
    assert shell("apply", "--dry-run")[0] == 0
    assert shell("check")[0] == 1

    code, said = shell("apply")
    assert code == 0
    assert len(re.findall(rf"^{names.prefix}\.", said, re.MULTILINE)) == 8

    done = (0, "Every topic is as it should be.\n")
    assert shell("apply") == done
    assert shell("check") == done
