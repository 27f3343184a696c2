"""Which cluster this is: local state of one must not be taken for another's."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bridge.streams.connection import KafkaOptions, unanswered


async def cluster_id(kafka: KafkaOptions) -> str:
    """Return the cluster's id; raise UnavailableError if Kafka does not answer."""
    admin = AIOKafkaAdminClient(**kafka.client_kwargs())
    try:
        await admin.start()
        described = await admin.describe_cluster()
    except (KafkaError, OSError) as away:
        raise unanswered(kafka, away) from away
    finally:
        await admin.close()
    return str(described["cluster_id"])
