from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.observer.making import PLACE, REPOSITORY, digest, run
from webhook.model.image import ImageReference
from webhook.observer.images import by_image
from webhook.observer.running import Place, Run

IMAGES = [ImageReference.parse(f"{REPOSITORY}/{name}@{digest(content)}") for name in "ab" for content in "xy"]
PLACES = [PLACE, Place("other", "staging"), Place("other", "integration")]
RUNS = st.lists(
    st.builds(
        lambda place, image, pod, named: run(place=place, image=image, pod=f"pod-{pod}", named=named),
        st.sampled_from(PLACES),
        st.sampled_from(IMAGES),
        st.integers(0, 3),
        st.sampled_from([None, digest("x"), digest("z")]),
    ),
    unique_by=lambda made: (made.place, made.pod),
)


def test_runs_of_one_image_in_one_environment_are_one_whatever_their_namespace() -> None:
    runs = [run(pod="b"), run(place=Place("other", "staging"), pod="a"), run(pod="a")]
    [watched] = by_image(runs)
    assert (watched.environment, watched.name) == ("staging", f"{REPOSITORY}@{digest('cart')}")
    assert [(made.place.namespace, made.pod) for made in watched.runs] == [
        ("other", "a"),
        ("shop-staging", "a"),
        ("shop-staging", "b"),
    ]


def test_the_digest_that_ran_is_not_one_that_somebody_wrote_besides() -> None:
    [watched] = by_image([run(named=digest("cart")), run(pod="cart-1", named=digest("other")), run(pod="cart-2")])
    assert watched.named == {digest("other")}


@given(RUNS, st.randoms())
def test_every_run_is_in_one_group_however_they_come(runs: list[Run], chance: Random) -> None:
    groups = by_image(runs)
    assert sorted(map(id, (made for group in groups for made in group.runs))) == sorted(map(id, runs))
    keys = [(group.environment, group.image.repository, group.image.digest) for group in groups]
    assert keys == sorted(set(keys), key=str)
    shuffled = list(runs)
    chance.shuffle(shuffled)
    assert by_image(shuffled) == groups
