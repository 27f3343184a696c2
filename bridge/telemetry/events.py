"""Every log event's name, once, with what it means and the fields it comes with."""

from typing import Final

# ---------------------------------------------------------------- process
PROCESS_STARTED: Final = "process.started"  # roles, version
PROCESS_STOPPING: Final = "process.stopping"  # signal or reason
PROCESS_STOPPED: Final = "process.stopped"
ROLE_FAILED: Final = "role.failed"  # role, error: a part of the process broke
ACCOUNT_WARNED: Final = "account.warned"  # detail: what it leaves unseen
HTTP_LISTENING: Final = "http.listening"  # host, port

# ---------------------------------------------------------------- inbound
WEBHOOK_ACCEPTED: Final = "webhook.accepted"  # debug; account, subject, observation, ms
WEBHOOK_REFUSED: Final = "webhook.refused"  # account, status, reason
WEBHOOK_UNAVAILABLE: Final = "webhook.unavailable"  # account: Kafka did not answer
WEBHOOK_FAILED: Final = "webhook.failed"  # account, error: our own mistake, 500
CONNECTION_REFUSED: Final = "connection.refused"  # reason: slow head, too many

# ---------------------------------------------------------------- polls
POLL_FINISHED: Final = "poll.finished"  # account, lane, pages, ms: a walk ended
POLL_FAILED: Final = "poll.failed"  # account, lane, reason: a page did not come
POLL_STUCK: Final = "poll.stuck"  # account, step, since, until: a window given up
POLL_TOO_LARGE: Final = "poll.too_large"  # account, subject: no topic would take it
POLL_BROKE: Final = "poll.broke"  # account, error: our own mistake
CURSOR_IGNORED: Final = "cursor.ignored"  # account, reason: polling begins anew
ORDER_REFUSED: Final = "order.refused"  # account, reason: nobody can follow it
WEBHOOK_SWITCHED_OFF: Final = "webhook.switched_off"  # account, events, mended
WEBHOOK_MISSING: Final = "webhook.missing"  # account, events: `webhooks register`
GAP_HINTED: Final = "gap.hinted"  # account, since, returns: known ones are read again
WATCH_FAILED: Final = "watch.failed"  # account, reason: webhooks could not be listed

# ---------------------------------------------------------------- publisher
PUBLISHER_STARTED: Final = "publisher.started"  # the producer reached Kafka
PUBLISHER_FAILED: Final = "publisher.failed"  # reason: the producer is thrown away
PUBLISHER_REBUILT: Final = "publisher.rebuilt"  # resent: a new one has taken over

# ---------------------------------------------------------------- ownership
PARTITIONS_ASSIGNED: Final = "partitions.assigned"  # group, partitions
PARTITIONS_REVOKED: Final = "partitions.revoked"  # group, partitions, clean
OWNER_OPENED: Final = "owner.opened"  # group, partition, position, ms
OWNER_WAITING: Final = "owner.waiting"  # group, partition, seconds: handover
OWNER_CLOSED: Final = "owner.closed"  # group, partition, released
OWNERSHIP_LOST: Final = "ownership.lost"  # group, partition, reason: fenced
COMMIT_FAILED: Final = "commit.failed"  # group, partition, reason
PROGRESS_IGNORED: Final = "progress.ignored"  # group, partition, reason
PARTITION_PAUSED: Final = "partition.paused"  # debug; group, partition, reason
PARTITION_RESUMED: Final = "partition.resumed"  # debug; group, partition, reason
STATE_RESTORED: Final = "state.restored"  # group, partition, records, ms
STATE_HEALED: Final = "state.healed"  # group, partition: local state was behind
TOPIC_CREATED: Final = "topic.created"  # topic, partitions
TOPIC_MISMATCH: Final = "topic.mismatch"  # topic, what, have, want

# ---------------------------------------------------------------- normalise
OBSERVATION_FOLDED: Final = "observation.folded"  # debug; subject, observation, events
OBSERVATION_UNREADABLE: Final = "observation.unreadable"  # account, reason, path
VALUE_UNKNOWN: Final = "value.unknown"  # account, field: an enum value we do not know
MOVE_UNEXPECTED: Final = "move.unexpected"  # subject, before, after: states' table

# ---------------------------------------------------------------- deliver
DELIVERY_ATTEMPTED: Final = "delivery.attempted"
# event, type, subject, target, attempt, outcome, reason, ms: one line per attempt
CONVERSATION_BROKE: Final = "conversation.broke"  # event_id, error: our own mistake
LANE_HELD: Final = "lane.held"  # target, subject, event, reason: waits for an operator
PARKED_UNREADABLE: Final = (
    "parked.unreadable"  # topic, offset, held: of another version
)
INSTRUCTION_ANSWERED: Final = "instruction.answered"
# target, instruction, action, subject, sequence, applied, why: what an operator decided
INSTRUCTION_IGNORED: Final = (
    "instruction.ignored"  # target, offset, reason: no instruction
)
TARGET_STOPPED: Final = "target.stopped"  # target, cause, reason: the breaker opened
TARGET_RESUMED: Final = "target.resumed"  # target
DEAD_LETTER_WRITTEN: Final = "dead_letter.written"  # stage, target, subject, reason
INTAKE_PAUSED: Final = "intake.paused"  # target, reason: memory, window

# ---------------------------------------------------------------- other libraries
LIBRARY_WARNED: Final = "library.warned"  # source, detail, error: from stdlib logging
