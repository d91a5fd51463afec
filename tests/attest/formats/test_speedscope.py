import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import read, stacks
from tests.support.json_schema import anything
from webhook.attest.profile import ProfileError
from webhook.limits import LIMITS

FRAMES = [{"name": "main", "file": "/usr/lib/python3.12/site-packages/shop/cart.py", "line": 3}, {"name": "serve"}]


def sampled(samples: Any, weights: Any, unit: str = "none") -> dict[str, Any]:
    return {"type": "sampled", "name": "thread", "unit": unit, "samples": samples, "weights": weights}


def evented(*events: tuple[str, float, int], unit: str = "milliseconds") -> dict[str, Any]:
    listed = [{"type": kind, "at": at, "frame": frame} for kind, at, frame in events]
    return {"type": "evented", "name": "thread", "unit": unit, "startValue": 0, "endValue": 9, "events": listed}


def document(*profiles: Any, frames: Any = FRAMES) -> str:
    return json.dumps({"$schema": "https://www.speedscope.app/…", "shared": {"frames": frames}, "profiles": profiles})


MAIN = "main (shop/cart.py)"


def test_weights_without_unit_are_counts() -> None:
    assert stacks(document(sampled([[0, 1], [0]], [3, 4]))) == {(MAIN, "serve"): 3, (MAIN,): 4}


def test_a_sample_with_a_time_is_one_sample() -> None:
    profile = read(document(sampled([[0, 1], [0, 1]], [0.01, 0.03], "seconds")))
    assert dict(profile.stacks()) == {(MAIN, "serve"): 2}
    assert profile.measure == "samples/count"


def test_a_sample_of_no_time_was_not_seen() -> None:
    assert stacks(document(sampled([[0, 1], [0], [0]], [0.01, 0, 0.0], "seconds"))) == {(MAIN, "serve"): 1}


@pytest.mark.parametrize("unit", ["none", "nanoseconds", "microseconds", "milliseconds", "seconds"])
def test_no_unit_and_the_units_of_time_are_taken(unit: str) -> None:
    assert stacks(document(sampled([[1]], [1], unit))) == {("serve",): 1}


@pytest.mark.parametrize("unit", ["bytes", "", "hours"])
def test_samples_of_another_unit_are_no_execution(unit: str) -> None:
    with pytest.raises(ProfileError, match="must have the unit `none` or one of time: nothing else is execution"):
        read(document(sampled([[1]], [4096], unit)))


@pytest.mark.parametrize("weight", ["x", None, True, [1], 1e300])
def test_a_weight_that_is_no_time_is_refused(weight: Any) -> None:
    with pytest.raises(ProfileError, match="a weight is expected where it has something else"):
        read(document(sampled([[1]], [weight], "seconds")))


@pytest.mark.parametrize(("stack", "unit"), [([1], "seconds"), ([], "seconds"), ([], "none")])
def test_a_negative_weight_is_refused_whatever_ran(stack: list[int], unit: str) -> None:
    with pytest.raises(ProfileError, match="it counts less than nothing"):
        read(document(sampled([[1], stack], [9, -7], unit)))


def test_an_empty_stack_is_nothing_that_ran() -> None:
    assert stacks(document(sampled([[], [1]], [5, 1]))) == {("serve",): 1}


def test_threads_are_added_up() -> None:
    assert stacks(document(sampled([[1]], [5]), sampled([[1]], [2]))) == {("serve",): 7}


def test_what_is_on_top_between_two_events_has_run() -> None:
    profile = read(document(evented(("O", 1, 0), ("O", 1.5, 1), ("C", 3, 1), ("C", 3.25, 0))))
    assert dict(profile.stacks()) == {(MAIN,): 750_000, (MAIN, "serve"): 1_500_000}
    assert profile.measure == "time/nanoseconds"


HOSTILE: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "it is not JSON"),
    "cut off": (document(sampled([[0]], [1]))[:-2], "it is not JSON, or is cut off"),
    "NaN": (document(evented(("O", float("nan"), 0))), "it is not JSON"),
    "deep": ("[" * 100_000, "it is not JSON"),
    "no profiles": (document(), "all `sampled` or all `evented`"),
    "mixed": (document(sampled([[0]], [1]), evented()), "all `sampled` or all `evented`"),
    "frame missing": (document(sampled([[2]], [1])), "a frame that is not there"),
    "frame negative": (document(sampled([[-1]], [1])), "a frame that is not there"),
    "frame a text": (document(sampled([["x"]], [1])), "a whole number is expected"),
    "frame true": (document(sampled([[True]], [1])), "a whole number is expected"),
    "weight a fraction": (document(sampled([[0]], [1.5])), "a whole number is expected"),
    "weight negative": (document(sampled([[0]], [-1])), "it counts less than nothing"),
    "weights short": (document(sampled([[0]], [])), "another number of weights"),
    "samples an object": (document(sampled({}, [])), "an array is expected"),
    "name a number": (document(sampled([[0]], [1]), frames=[{"name": 1}]), "a text is expected"),
    "closes nothing": (document(evented(("C", 1, 0))), "do not open and close frames in order"),
    "closes another": (document(evented(("O", 0, 0), ("C", 1, 1))), "do not open and close frames in order"),
    "no event": (document(evented(("X", 0, 0))), "do not open and close frames in order"),
    "backwards": (document(evented(("O", 2, 0), ("C", 1, 0))), "not in the order of time"),
    "no unit": (document(evented(unit="bytes")), "must have a unit of time"),
    "a time beyond": (document(evented(("O", 1e300, 0))), "a time is expected"),
    "no events": (document(evented()), "it holds no samples"),
    "a list": ("[]", "an object is expected"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason(case: str) -> None:
    content, reason = HOSTILE[case]
    with pytest.raises(ProfileError, match=reason):
        read(content, "speedscope")


def test_a_stack_is_no_deeper_than_the_limit() -> None:
    depth = LIMITS.profile_depth
    opened = [("O", 0, 1)] * depth
    assert read(document(evented(*opened, ("C", 1, 1)))).total == 1_000_000
    for profile in (evented(*opened, ("O", 0, 1)), sampled([[0] * (depth + 1)], [1])):
        with pytest.raises(ProfileError, match=f"deeper than {depth}"):
            read(document(profile))


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=1), st.data())
def test_what_is_written_is_read(samples: list[list[int]], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(1, 2**40), min_size=len(samples), max_size=len(samples)))
    expected: dict[tuple[str, ...], int] = {}
    for indices, weight in zip(samples, weights, strict=True):
        stack = tuple((MAIN, "serve")[index] for index in indices)
        expected[stack] = expected.get(stack, 0) + weight
    assert stacks(document(sampled(samples, weights))) == expected


@given(anything(), st.sampled_from(["frames", "profiles", "samples", "weights", "events", "unit", "startValue"]))
def test_any_value_anywhere_is_a_profile_or_a_profile_error(value: Any, where: str) -> None:
    parts: dict[str, Any] = json.loads(document(sampled([[0]], [1])))
    target = parts["shared"] if where == "frames" else parts if where == "profiles" else parts["profiles"][0]
    target[where] = value
    if where in {"events", "startValue"}:
        parts["profiles"][0]["type"] = "evented"
    for content in (parts, value):
        try:
            assert read(json.dumps(content), "speedscope").total >= 1
        except ProfileError:
            continue
