"""Following instructions: each comes to exactly one result."""

from datetime import UTC, datetime

from bridge.canonical.envelope import event_id
from bridge.deadletters.instructions import EVERYTHING, Action, Instruction, new_id
from bridge.inspection.following import Following, Result
from bridge.streams.receipts import DEAD, Answer, Attempt, Receipt, Sheet

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SUBJECT = "redo/shop/1"


def given(
    action: Action = "retry", subject: str = SUBJECT, sequence: int | None = 1
) -> Instruction:
    about = {} if sequence is None else {"event_id": event_id(subject, sequence)}
    return Instruction(
        id=new_id(),
        action=action,
        target="wms",
        subject=subject,
        sequence=sequence,
        author="ada",
        reason="because",
        patch=None,
        issued_at=NOW,
        **about,
    )


def answered(to: Instruction, *, why: str = "", partition: int = 0) -> Sheet:
    applied = not why
    answer = Answer(to.id, to.action, to.subject, to.sequence, applied, why, NOW, "ada")
    return Sheet("worker-1", "wms", partition, (), (answer,))


def receipted(about: Instruction, outcome: str, *reasons: str) -> Sheet:
    attempts = tuple(Attempt(NOW, NOW, outcome, reason) for reason in reasons)
    id_ = about.event_id or ""
    receipt = Receipt(id_, SUBJECT, 1, "", "return.updated", outcome, attempts, NOW)
    return Sheet("worker-1", "wms", 0, (receipt,))


def follow(
    instruction: Instruction, *sheets: Sheet, partitions: int = 4
) -> tuple[list[Result], int]:
    following = Following(partitions)
    following.give([instruction])
    results = [result for sheet in sheets for result in following.sheet(sheet)]
    return results, following.open


def test_a_retry_ends_with_the_receipt_of_its_event() -> None:
    retry = given()

    results, still_open = follow(
        retry, answered(retry), receipted(retry, "delivered", "", "http_200")
    )

    assert results == [Result(retry, "delivered", "http_200")]
    assert not results[0].failed
    assert still_open == 0


def test_an_event_that_dies_again_is_a_failure() -> None:
    retry = given()

    results, _ = follow(retry, answered(retry), receipted(retry, DEAD, "http_422"))

    assert results[0].failed


def test_a_refusal_is_a_failure_and_the_end() -> None:
    retry = given()

    results, still_open = follow(retry, answered(retry, why="behind: 3"))

    assert results == [Result(retry, "refused", "behind: 3")]
    assert results[0].failed
    assert still_open == 0


def test_while_it_is_tried_it_is_open() -> None:
    retry = given()

    assert follow(retry, answered(retry)) == ([], 1)


def test_a_receipt_before_the_answer_says_nothing() -> None:
    retry = given()

    assert follow(retry, receipted(retry, "delivered")) == ([], 1)


def test_a_receipt_without_attempts_has_no_detail() -> None:
    retry = given()

    results, _ = follow(retry, answered(retry), receipted(retry, "skipped"))

    assert results == [Result(retry, "skipped")]


def test_a_discard_ends_with_its_answer() -> None:
    discard = given("discard")

    results, still_open = follow(discard, answered(discard))

    assert results == [Result(discard, "applied")]
    assert still_open == 0


def test_a_pause_of_a_target_needs_the_answer_of_every_partition() -> None:
    pause = given("pause", EVERYTHING, None)
    sheets = [answered(pause, partition=number) for number in range(3)]

    assert follow(pause, *sheets[:2], partitions=3) == ([], 1)
    assert follow(pause, *sheets, partitions=3) == ([Result(pause, "applied")], 0)


def test_the_answers_to_others_are_theirs() -> None:
    assert follow(given(), answered(given())) == ([], 1)
