from datetime import timedelta

from tests.observer.making import NOW, PLACE, run
from webhook.observer.asking import attributable, in_turn
from webhook.observer.running import Place


def test_a_server_that_tells_containers_apart_answers_for_all() -> None:
    runs = [run(alone=False), run(pod="cart-1")]
    assert attributable(runs, tells_containers=True) == runs
    assert attributable(runs, tells_containers=False) == runs[1:]


def test_the_order_is_the_time_s_and_not_that_of_whoever_listed_them() -> None:
    runs = [run(pod=f"cart-{number}") for number in range(20)]
    ordered = in_turn(runs, NOW)
    assert ordered == in_turn(runs[::-1], NOW)
    assert sorted(ordered, key=runs.index) == runs
    assert ordered != in_turn(runs, NOW + timedelta(milliseconds=1))


def test_nobody_comes_first_by_a_name() -> None:
    # Neither by the namespace's nor by the pod's nor by the container's.
    others = [run(place=Place("a", "staging"), pod="a", container="a"), run(place=PLACE, pod="z", container="a")]
    runs = [*others, run(place=PLACE, pod="z", container="z")]
    first = {in_turn(runs, NOW + timedelta(milliseconds=number))[0].container for number in range(30)}
    last = {in_turn(runs, NOW + timedelta(milliseconds=number))[-1].pod for number in range(30)}
    assert (first, last) == ({"a", "z"}, {"a", "z"})
