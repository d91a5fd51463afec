"""Nothing that a caller sends stays in memory, however large it is and however often it comes."""

import gc
import tracemalloc

import pytest

from tests.admission.requests import SEEN, deployment, review
from tests.admission.world import World, question
from tests.support.deadline import at_most
from webhook.admission.review import decode_review
from webhook.errors import ReviewError
from webhook.limits import LIMITS

MIB = 1024 * 1024


async def test_references_that_nobody_could_pull_are_not_remembered(world: World) -> None:
    # An image is any string to the API server; whoever may create a Deployment may send a million different ones.
    decider = world.decider(world.settings())
    await decider.decide(question(review(deployment("A"))))
    gc.collect()
    tracemalloc.start()
    try:
        for index in range(32):
            await decider.decide(question(review(deployment(f"{index}{'A' * MIB}"))))
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 4 * MIB


@pytest.mark.parametrize("element", [b"{}", b'{"name":"c"}', b"1"])
def test_a_body_of_countless_values_is_refused_before_it_is_built(element: bytes) -> None:
    # 8 MiB of empty containers took 9 seconds and 1.5 GiB.
    body = review(deployment(SEEN))
    room = (LIMITS.review_bytes - len(body)) // (len(element) + 1)
    _, name, rest = body.partition(b'"containers": [')
    assert name
    body = body.replace(name + rest, name + (element + b",") * room + rest)
    with at_most(1.0), pytest.raises(ReviewError, match="too many values"):
        decode_review(body)


def test_a_body_of_long_texts_is_read_whatever_its_size() -> None:
    body = review(deployment(SEEN, note="x" * 3_000_000))
    assert decode_review(body).object is not None


def test_a_list_beyond_all_reason_makes_the_object_unreadable() -> None:
    found = decode_review(review(deployment(*["a"] * (8 * LIMITS.containers + 1))))
    assert found.object is None
