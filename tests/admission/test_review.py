"""Reading a request body: only an AdmissionReview is one, and nothing else ever escapes as an exception."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.admission.requests import SEEN, TAGGED, UNSEEN, asking, body_of, deployment, pod, review, workload
from tests.admission.world import World
from tests.support.deadline import at_most
from tests.support.statements import ABSENT
from tests.support.verdicts import names
from webhook.admission.review import decode_review, pod_template_changed
from webhook.errors import ReviewError

GOOD = asking(deployment(SEEN))
DEEP = 10_000


def deep(opening: str, closing: str, core: str = "1") -> bytes:
    nested = opening * DEEP + core + closing * DEEP
    return review(deployment(SEEN))[:-2] + f', "extra": {nested}}}}}'.encode()


REFUSED: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("white space", b" \n"),
    ("null", b"null"),
    ("{}", b"{}"),
    ("[]", b"[]"),
    ("a string", b'"AdmissionReview"'),
    ("a number", b"7"),
    ("not JSON", b"uid=1&allowed=true"),
    ("YAML", b"apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n"),
    ("cut off", review(deployment(SEEN))[:-1]),
    ("trailing garbage", review(deployment(SEEN)) + b"x"),
    ("two documents", review(deployment(SEEN)) * 2),
    ("UTF-16", review(deployment(SEEN)).decode().encode("utf-16")),
    ("a byte order mark", b"\xef\xbb\xbf" + review(deployment(SEEN))),
    ("not UTF-8", review(deployment(SEEN)).replace(b"ada", b"a\xffa")),
    ("half a surrogate pair", review(deployment(SEEN)).replace(b"ada", b"\\ud800")),
    ("no apiVersion", body_of(GOOD, apiVersion=ABSENT)),
    ("v1beta1", body_of(GOOD, apiVersion="admission.k8s.io/v1beta1")),
    ("v1 of no group", body_of(GOOD, apiVersion="v1")),
    ("apiVersion null", body_of(GOOD, apiVersion=None)),
    ("no kind", body_of(GOOD, kind=ABSENT)),
    ("another kind", body_of(GOOD, kind="SubjectAccessReview")),
    ("kind in another case", body_of(GOOD, kind="admissionreview")),
    ("no request", body_of(ABSENT)),
    ("request null", body_of(None)),
    ("request a list", body_of([GOOD])),
    ("request empty", body_of({})),
    ("a response for a request", body_of(ABSENT, response={"uid": "1", "allowed": True})),
    ("no uid", review(deployment(SEEN), uid=ABSENT)),
    ("uid null", review(deployment(SEEN), uid=None)),
    ("uid empty", review(deployment(SEEN), uid="")),
    ("uid a number", review(deployment(SEEN), uid=7)),
    ("uid of 129 characters", review(deployment(SEEN), uid="u" * 129)),
    ("request.kind missing", review(deployment(SEEN), kind=ABSENT)),
    ("request.kind a string", review(deployment(SEEN), kind="Deployment")),
    ("no operation", review(deployment(SEEN), operation=ABSENT)),
    ("another operation", review(deployment(SEEN), operation="PATCH")),
    ("operation in lower case", review(deployment(SEEN), operation="create")),
    ("dryRun a string", review(deployment(SEEN), dryRun="true")),
    ("namespace a list", review(deployment(SEEN), namespace=["shop"])),
    ("userInfo a string", review(deployment(SEEN), userInfo="ada")),
    ("10,000 lists deep", deep("[", "]")),
    ("10,000 objects deep", deep('{"a":', "}")),
    ("10,000 lists deep without end", review(deployment(SEEN))[:-2] + b', "extra": ' + b"[" * DEEP),
]


@pytest.mark.parametrize(("_name", "body"), REFUSED, ids=names(REFUSED))
def test_what_is_no_admission_review_is_refused(_name: str, body: bytes) -> None:
    with at_most(5), pytest.raises(ReviewError, match=r"\Athe body is no AdmissionReview of admission\.k8s\.io/v1\Z"):
        decode_review(body)


def test_a_body_of_more_than_8_mib_is_not_even_read() -> None:
    with pytest.raises(ReviewError, match=r"\Athe body is too large\Z"):
        decode_review(review(deployment(SEEN)) + b" " * 8 * 1024 * 1024)


READ: list[tuple[str, bytes]] = [
    ("as the API server sends it", review(deployment(SEEN))),
    ("uid of 128 characters", review(deployment(SEEN), uid="u" * 128)),
    ("dryRun null", review(deployment(SEEN), dryRun=None)),
    ("dryRun left out", review(deployment(SEEN), dryRun=ABSENT)),
    ("no user", review(deployment(SEEN), userInfo=ABSENT)),
    ("unknown members", review(deployment(SEEN), options={"kind": "CreateOptions"}, future=[1, {"a": None}])),
    ("NaN in a member that is not read", review(deployment(SEEN), options={"a": float("nan")})),
    ("Infinity in a member that is not read", review(deployment(SEEN), options={"a": float("-inf")})),
    ("an integer of 4,000 digits", review(deployment(SEEN))[:-2] + b', "extra": ' + b"9" * 4000 + b"}}"),
    ("a body of 7 MiB", review(deployment(SEEN), options="x" * 7 * 1024 * 1024)),
    ("members in another order", json.dumps(dict(reversed(json.loads(review(deployment(SEEN))).items()))).encode()),
]


@pytest.mark.parametrize(("_name", "body"), READ, ids=names(READ))
async def test_what_stands_beside_changes_nothing(world: World, _name: str, body: bytes) -> None:
    assert await world.said(body) == "Pass EvidenceSufficient"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "99999999999999999999", "0.0"])
async def test_replicas_that_are_no_integer_make_the_object_unreadable(world: World, number: str) -> None:
    body = review(deployment(SEEN, replicas=4711)).replace(b"4711", number.encode())
    expected = {"99999999999999999999": "Pass EvidenceSufficient"}.get(number, "Fail WorkloadNotSupported")
    assert await world.said(body) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"), [(SEEN, UNSEEN, "Fail EvidenceMissing"), (UNSEEN, SEEN, "Pass EvidenceSufficient")]
)
async def test_of_a_member_that_stands_twice_the_last_one_counts(
    world: World, first: str, last: str, expected: str
) -> None:
    body = review(deployment(last)).replace(b'"image": ', f'"image": "{first}", "image": '.encode())
    assert await world.said(body) == expected


async def test_of_an_object_that_stands_twice_the_last_one_counts(world: World) -> None:
    first = json.dumps(deployment(SEEN)).encode()
    body = review(deployment(UNSEEN)).replace(b'"object": ', b'"object": ' + first + b', "object": ')
    assert await world.said(body) == "Fail EvidenceMissing"


async def test_of_an_unreadable_object_that_stands_twice_the_last_one_counts(world: World) -> None:
    strange = review(deployment(SEEN, 7))
    body = strange.replace(b'"object": ', b'"object": ' + json.dumps(deployment(SEEN)).encode() + b', "object": ')
    assert await world.said(body) == "Fail WorkloadNotSupported"


def test_a_readable_part_stays_readable_beside_an_unreadable_one() -> None:
    subject = decode_review(review(deployment(SEEN), deployment(7)))
    assert subject.object is not None
    assert subject.old_object is None
    assert (subject.namespace, subject.name, subject.user_info.username) == ("shop", "cart", "ada@example.com")


TEMPLATES: list[tuple[str, Any, Any, bool]] = [
    ("the same", deployment(TAGGED), deployment(TAGGED), False),
    ("labels of the object", deployment(TAGGED), deployment(TAGGED, metadata={"labels": {"a": "b"}}), False),
    ("replicas", deployment(TAGGED, replicas=1), deployment(TAGGED, replicas=2), False),
    ("another image", deployment(TAGGED), deployment(SEEN), True),
    ("labels of the template", deployment(TAGGED), deployment(template={"metadata": {}, "spec": pod(TAGGED)}), True),
    ("order of members", deployment(TAGGED), json.loads(json.dumps(deployment(TAGGED), sort_keys=True)), False),
    ("a Pod's spec", workload("Pod", pod(TAGGED)), workload("Pod", pod(TAGGED, hostPID=True)), True),
    ("the same Pod", workload("Pod", pod(TAGGED)), workload("Pod", pod(TAGGED)), False),
    (
        "a CronJob's schedule",
        workload("CronJob", pod(TAGGED)),
        workload("CronJob", pod(TAGGED), schedule="@daily"),
        False,
    ),
    ("a CronJob's pod", workload("CronJob", pod(TAGGED)), workload("CronJob", pod(TAGGED, hostPID=True)), True),
    ("no old object", None, deployment(TAGGED), True),
    ("neither object", None, None, True),
    ("neither spec", {"metadata": {}}, {"metadata": {}}, True),
    ("a list for a spec", {"spec": [1]}, {"spec": [1]}, True),
    (
        "a number that is none",
        deployment(TAGGED, template={"x": float("nan")}),
        deployment(TAGGED, template={"x": float("nan")}),
        True,
    ),
]


@pytest.mark.parametrize(("_name", "old", "new", "expected"), TEMPLATES, ids=names(TEMPLATES))
def test_a_change_of_the_pod_template_is_seen(
    _name: str,
    old: Any,
    new: Any,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    body = body_of({"object": new, "oldObject": old})
    assert pod_template_changed(body) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_but_the_modules_own_error(body: bytes) -> None:
    with pytest.raises(ReviewError):
        decode_review(body)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_no_member_of_a_request_raises_anything_but_the_modules_own_error(name: str, value: Any) -> None:
    with contextlib.suppress(ReviewError):
        decode_review(body_of(GOOD | {name: value}))


@given(JSON, JSON)
def test_no_object_makes_a_review_unreadable(new: Any, old: Any) -> None:
    subject = decode_review(body_of(GOOD | {"object": new, "oldObject": old}))
    assert subject.uid == GOOD["uid"]
