"""Nothing that a caller sends stays in memory, however large it is and however often it comes."""

import gc
import tracemalloc

from tests.admission.requests import deployment, review
from tests.admission.world import World, question

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
