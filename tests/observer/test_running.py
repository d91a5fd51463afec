from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.observer.making import (
    NOW,
    PLACE,
    REPOSITORY,
    WINDOW,
    at,
    container,
    digest,
    ended,
    pod,
    running,
)
from webhook.observer.running import SETTLING, Run, Unattributed, Window, running_digest, runs_of

DIGEST = digest("cart")

IMAGE_IDS: list[tuple[str, str | None]] = [
    # containerd, and CRI-O since 1.19.
    (f"{REPOSITORY}@{DIGEST}", DIGEST),
    ("docker.io/library/redis@" + DIGEST, DIGEST),
    (f"localhost:5000/cart@{DIGEST}", DIGEST),
    # cri-dockerd.
    (f"docker-pullable://{REPOSITORY}@{DIGEST}", DIGEST),
    # Ids of a configuration: an image that was loaded or built on the node, and older CRI-O.
    (DIGEST, None),
    (DIGEST.removeprefix("sha256:"), None),
    (f"docker://{DIGEST}", None),
    ("", None),
    (f"{REPOSITORY}:1", None),
    (f"{REPOSITORY}@{DIGEST.upper()}", None),
    (f"{REPOSITORY}@sha512:{'0' * 128}", None),
    (f"{REPOSITORY}@{DIGEST}\n", None),
]


@pytest.mark.parametrize(("image_id", "expected"), IMAGE_IDS)
def test_the_kubelet_s_word_is_a_manifest_s_digest_or_nothing(image_id: str, expected: str | None) -> None:
    assert running_digest(image_id) == expected


def the_run(made: dict[str, Any], window: Window = WINDOW) -> Run:
    [found] = runs_of(made, PLACE, window)
    assert isinstance(found, Run)
    return found


def test_a_run_has_the_status_digest_and_the_repository_that_the_pod_names() -> None:
    # containerd gives any of the names that it knows the same image by.
    found = the_run(pod(container(imageID=f"mirror.example.com/hub/cart@{DIGEST}")))
    assert (found.place, found.pod, found.container, found.alone) == (PLACE, "cart-0", "cart", True)
    assert (found.image.repository, found.image.digest, found.image.tag) == (REPOSITORY, DIGEST, None)
    assert found.named is None


def test_what_the_author_wrote_is_only_kept_beside() -> None:
    found = the_run(pod(container(image=f"{REPOSITORY}@{digest('never ran')}")))
    assert (found.image.digest, found.named) == (DIGEST, digest("never ran"))


def test_a_pod_whose_image_is_no_reference_has_the_status_name() -> None:
    assert the_run(pod(container(image="Foo/bar"))).image.repository == REPOSITORY


def test_a_container_whose_image_is_an_id_belongs_to_nobody() -> None:
    [found] = runs_of(pod(container(imageID=DIGEST)), PLACE, WINDOW)
    assert found == Unattributed(
        PLACE, "cart-0", "cart", "its imageID names no manifest, so nobody knows which image of a registry it is"
    )


STATES: list[tuple[dict[str, Any], tuple[float, float] | None]] = [
    # Longer than the window: all of it.
    (running(90), (60, 0)),
    # Started in it: from then on, and what is sent late by the container before it is nobody's.
    (running(30), (29.5, 0)),
    (running(0.6), None),
    (running(-1), None),
    (ended(90, 20), (60, 20)),
    (ended(40, 20), (39.5, 20)),
    (ended(90, 60), None),
    (ended(90, 59.9), None),
    (ended(0.6, 0), None),
    ({"waiting": {"reason": "ImagePullBackOff"}}, None),
    ({}, None),
    ({"running": {}}, None),
    ({"running": {"startedAt": "yesterday"}}, None),
    ({"running": {"startedAt": "9999-12-31T23:59:59Z"}}, None),
    # Who has ended without an end is not at work since.
    ({"terminated": {"startedAt": at(30)}}, None),
    ({"terminated": {"exitCode": 137, "startedAt": None, "finishedAt": None}}, None),
]


@pytest.mark.parametrize(("state", "expected"), STATES)
def test_a_container_counts_while_it_surely_ran_this_image(
    state: dict[str, Any], expected: tuple[float, float] | None
) -> None:
    found = list(runs_of(pod(container(state=state)), PLACE, WINDOW))
    if expected is None:
        assert found == []
    else:
        start, end = (NOW - timedelta(minutes=minutes) for minutes in expected)
        assert [run.window for run in found if isinstance(run, Run)] == [Window(start, end)]


def test_what_ran_before_the_last_start_does_not_count() -> None:
    # With the same name, and perhaps another image: a patch of `spec.containers[].image` restarts in place.
    before = {"terminated": ended(55, 30)["terminated"] | {"containerID": "containerd://old"}}
    found = the_run(pod(container(state=running(29), lastState=before)))
    assert found.window.start == NOW - timedelta(minutes=29) + SETTLING


def test_init_containers_that_stay_are_containers_and_others_are_not() -> None:
    init = container(name="mesh", image="mesh:1", imageID=f"docker.io/library/mesh@{digest('mesh')}")
    found = list(runs_of(pod(container(), init=init | {"restartPolicy": "Always"}), PLACE, WINDOW))
    assert [(run.container, run.alone) for run in found if isinstance(run, Run)] == [("mesh", False), ("cart", False)]
    [left] = runs_of(pod(container(), init=init), PLACE, WINDOW)
    assert isinstance(left, Run)
    assert (left.container, left.alone) == ("cart", True)


def test_a_container_is_not_alone_beside_one_that_somebody_attached() -> None:
    assert the_run(pod(container(), ephemeralContainers=[{"name": "debugger"}])).alone is False


def test_a_status_of_a_container_that_the_pod_does_not_have_is_nobody_s() -> None:
    made = pod(container())
    made["spec"]["containers"][0]["name"] = "other"
    assert list(runs_of(made, PLACE, WINDOW)) == []


@pytest.mark.parametrize("missing", ["status", "spec"])
def test_a_pod_that_has_not_begun_has_no_runs(missing: str) -> None:
    made = pod(container())
    del made[missing]
    assert list(runs_of(made, PLACE, WINDOW)) == []


@given(st.integers(-7200, 7200), st.integers(-7200, 7200))
def test_a_run_is_never_longer_than_its_container_and_the_window(began: int, end: int) -> None:
    state = ended(began / 60, end / 60)
    for run in runs_of(pod(container(state=state)), PLACE, WINDOW):
        assert isinstance(run, Run)
        assert WINDOW.start <= run.window.start < run.window.end <= WINDOW.end
        assert NOW - timedelta(seconds=began) + SETTLING <= run.window.start
        assert run.window.end <= NOW - timedelta(seconds=end)
