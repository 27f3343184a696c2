"""Compares the topics on the broker with the table, mends them, or refuses to start.

What counts as a difference, and which of them forbid a start, is `topic_plan`'s.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidReplicationFactorError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, UnavailableError
from bridge.streams.connection import KafkaOptions, unanswered
from bridge.streams.topic_plan import (
    Difference,
    Existing,
    differences,
    partition_differences,
    sentences,
)
from bridge.streams.topics import TopicSpec

Specs = Sequence[TopicSpec]

_CLOCK: Clock = SystemClock()
_ANSWER = timedelta(seconds=10)
_SETTLE = timedelta(seconds=15)
_OVERRIDE = 1  # ConfigSource DYNAMIC_TOPIC_CONFIG: set on the topic itself


async def plan_topics(kafka: KafkaOptions, specs: Specs) -> list[Difference]:
    """Return what `apply_topics` would change, and what it cannot.

    Raises UnavailableError when Kafka does not answer, ConfigError when it forbids.
    """
    async with _admin(kafka) as admin:
        return differences(specs, await _existing(admin, specs))


async def apply_topics(
    kafka: KafkaOptions, specs: Specs, clock: Clock = _CLOCK
) -> list[Difference]:
    """Create and mend the topics; return what was changed. Idempotent.

    Changes nothing and raises ConfigError if a number of partitions differs, since
    only people can decide that.
    """
    async with _admin(kafka) as admin:
        existing = await _existing(admin, specs)
        found = differences(specs, existing)
        _refuse([each for each in found if each.blocking and not each.mendable])
        changed = [each for each in found if each.mendable]
        names = {each.topic for each in changed}
        await _create(admin, [s for s in specs if s.name not in existing])
        await _alter(
            admin,
            {
                spec.name: {**existing[spec.name].overrides, **spec.config}
                for spec in specs
                if spec.name in names and spec.name in existing
            },
        )
        await _settle(admin, specs, clock)
        return changed


async def check_topics(
    kafka: KafkaOptions, specs: Specs, *, embedded: bool = False
) -> None:
    """Return if every topic fits; else raise ConfigError: which, what, how to mend.

    An `embedded` broker makes topics when asked about them and knows no settings: of
    it only the numbers of partitions are compared.
    """
    if not embedded:
        _refuse([each for each in await plan_topics(kafka, specs) if each.blocking])
        return
    async with _admin(kafka) as admin:
        existing = await _described(admin, [spec.name for spec in specs])
        _refuse(partition_differences(specs, existing))


async def delete_topics(kafka: KafkaOptions, names: Sequence[str]) -> None:
    """Delete topics with all they hold; one that is not there is no error."""
    async with _admin(kafka) as admin:
        response = await admin.delete_topics(list(names))
        for name, code in response.topic_error_codes:
            if code != UnknownTopicOrPartitionError.errno:
                _raise_for(code, name)


def _refuse(found: Sequence[Difference]) -> None:
    if found:
        raise ConfigError(sentences(found))


# ------------------------------------------------------------------ at the broker


@asynccontextmanager
async def _admin(kafka: KafkaOptions) -> AsyncIterator[Any]:
    """Open an admin client; translate what Kafka raises."""
    answer = min(_ANSWER, kafka.request_timeout) / timedelta(milliseconds=1)
    admin = AIOKafkaAdminClient(
        **{**kafka.client_kwargs(), "request_timeout_ms": int(answer)}
    )
    try:
        await admin.start()
        yield admin
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError) as denied:
        raise ConfigError(
            f"Kafka at {kafka.address} forbids it ({denied}): give this user Describe, "
            "DescribeConfigs, Create and AlterConfigs on the topics of the prefix"
        ) from denied
    except (KafkaConnectionError, TimeoutError) as away:
        raise unanswered(kafka, away) from away
    except KafkaError as refused:
        raise UnavailableError(
            f"Kafka at {kafka.address} answered with an error: {refused!r}"
        ) from refused
    finally:
        await admin.close()


async def _existing(admin: Any, specs: Specs) -> dict[str, Existing]:
    # All topics are listed: asking for one by name would create it on a broker that
    # still has auto.create.topics.enable.
    described = await _described(admin, None)
    names = [spec.name for spec in specs if spec.name in described]
    configs = await _configs(admin, names)
    return {
        name: Existing(
            described[name].partitions,
            described[name].replication,
            {key: value for key, (value, _) in configs[name].items()},
            {key: value for key, (value, own) in configs[name].items() if own},
        )
        for name in names
    }


async def _described(admin: Any, names: list[str] | None) -> dict[str, Existing]:
    return {
        topic["topic"]: Existing(
            partitions=len(topic["partitions"]),
            replication=min(len(each["replicas"]) for each in topic["partitions"]),
        )
        for topic in await admin.describe_topics(names)
        if topic["partitions"]
    }


async def _configs(
    admin: Any, names: Sequence[str]
) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return value and "set on the topic itself" by topic and key."""
    if not names:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = {}
    for response in await admin.describe_configs(wanted):
        for code, message, _kind, name, entries in response.resources:
            _raise_for(code, f"{name}: {message}")
            configs[name] = {
                each[0]: (each[1], each[3] == _OVERRIDE) for each in entries
            }
    return configs


async def _create(admin: Any, specs: Specs) -> None:
    if not specs:
        return
    topics = [
        NewTopic(s.name, s.partitions, s.replication, topic_configs=dict(s.config))
        for s in specs
    ]
    response = await admin.create_topics(topics)
    for topic, code, message in response.topic_errors:
        if code == InvalidReplicationFactorError.errno:
            raise ConfigError(
                f"topic {topic} cannot be created: {message} "
                "Add brokers, or set topics.profile to single-node"
            )
        if code != TopicAlreadyExistsError.errno:  # another process was quicker
            _raise_for(code, f"{topic}: {message}")


async def _alter(admin: Any, configs: Mapping[str, Mapping[str, str]]) -> None:
    """Set the configurations, each complete: AlterConfigs forgets what is left out."""
    if not configs:
        return
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, dict(config))
        for name, config in configs.items()
    ]
    for response in await admin.alter_configs(resources):
        for code, message, _kind, name in response.resources:
            _raise_for(code, f"{name}: {message}")


async def _settle(admin: Any, specs: Specs, clock: Clock) -> None:
    """Wait until the brokers show what the controller has accepted."""
    deadline = clock.monotonic() + _SETTLE.total_seconds()
    while any(
        each.mendable for each in differences(specs, await _existing(admin, specs))
    ):
        if clock.monotonic() > deadline:
            raise UnavailableError(
                "Kafka accepted the topics but does not show them yet: "
                "run `returns-bridge topics check` in a moment"
            )
        await clock.sleep(timedelta(milliseconds=100))


def _raise_for(code: int, message: str) -> None:
    if code:
        raise for_code(code)(message)
