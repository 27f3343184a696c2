"""Our histogram, scraped, is prometheus_client's own to the byte."""

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from bridge.telemetry.histogram import Histogram

BOUNDS = (0.005, 0.1, 1, 30, 1_048_576)
amounts = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 1e7), st.integers(0, 10))


def theirs(
    labels: tuple[str, ...], registry: CollectorRegistry
) -> prometheus_client.Histogram:
    return prometheus_client.Histogram(
        "seconds", "How long.", labels, buckets=BOUNDS, registry=registry
    )


@given(st.lists(st.tuples(st.sampled_from(["a", 'b"\n']), amounts)))
def test_what_is_scraped_is_what_prometheus_client_would_say(
    observed: list[tuple[str, float]],
) -> None:
    one, two = CollectorRegistry(), CollectorRegistry()
    ours = Histogram("seconds", "How long.", ("target",), BOUNDS, one)
    other = theirs(("target",), two)

    for target, amount in observed:
        ours.labels(target).observe(amount)
        other.labels(target).observe(amount)

    assert generate_latest(one) == generate_latest(two)


def test_without_labels_it_is_there_before_anything_is_observed() -> None:
    one, two = CollectorRegistry(), CollectorRegistry()

    Histogram("seconds", "How long.", (), BOUNDS, one)
    theirs((), two)

    assert generate_latest(one) == generate_latest(two)


def test_label_values_that_do_not_fit_are_a_mistake() -> None:
    ours = Histogram("seconds", "How long.", ("target",), BOUNDS, CollectorRegistry())

    with pytest.raises(ValueError, match="seconds has the labels"):
        ours.labels("a", "b")
