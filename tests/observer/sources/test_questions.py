"""What a profile server is asked, and what is shown to it."""

import base64
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.observer.sources.asking import CART, COUNTED, KINDS, LABELS, RECORDED_AT, ask, refused, source
from tests.simulators.profile_server import PARCA_PATH, PYROSCOPE_PATH, Asked, ProfileServerSimulator
from tests.simulators.profile_server_answers import Question
from webhook.errors import ConfigurationError, UnavailableError
from webhook.limits import LIMITS
from webhook.observer.sources.protocol import ContainerRun

PATHS = {"pyroscope": PYROSCOPE_PATH, "parca": PARCA_PATH}
TOKEN = "c2VjcmV0LXRva2Vu"  # noqa: S105 - the simulator's
SECOND = timedelta(seconds=1)


def question(kind: str, asked: Asked) -> Question:
    return Question.of_parca(asked.body) if kind == "parca" else Question.of_pyroscope(asked.body)


@KINDS
async def test_the_question_names_type_labels_and_window(cart: ProfileServerSimulator, kind: str) -> None:
    assert await ask(cart, kind, end=RECORDED_AT + SECOND) is not None
    (asked,) = cart.asked
    assert asked.path == PATHS[kind]
    assert asked.headers["accept-encoding"] == "identity"
    assert not {"authorization", "x-scope-orgid", "cookie"} & asked.headers.keys()
    nanoseconds = 10**9 * int((RECORDED_AT + SECOND).timestamp()) + 989 * 10**6
    if kind == "parca":
        nanoseconds += 421_000
    found = question(kind, asked)
    assert found.counted == COUNTED[kind]
    assert found.labels == {"namespace": "shop", "pod": "cart-0", "container": "cart"}
    assert (found.start, found.end) == (nanoseconds - 3600 * 10**9, nanoseconds)


@KINDS
async def test_a_window_that_ends_before_the_profile_began_has_none(cart: ProfileServerSimulator, kind: str) -> None:
    assert await ask(cart, kind, end=RECORDED_AT - SECOND) is None
    assert await ask(cart, kind, end=RECORDED_AT + SECOND + timedelta(hours=1)) is None


DEFAULTS = {
    "pyroscope": "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
    "parca": "parca_agent:samples:count:cpu:nanoseconds:delta",
}


@KINDS
async def test_by_default_it_is_cpu_time_as_the_servers_own_agents_call_it(
    server: ProfileServerSimulator, kind: str
) -> None:
    assert await ask(server, kind, profileType=None) is None
    assert question(kind, server.asked[0]).counted == DEFAULTS[kind]


@KINDS
async def test_labels_may_have_other_names(server: ProfileServerSimulator, kind: str, pushed: bytes) -> None:
    server.push(pushed, {"ns": "shop", "pod_name": "cart-0"})
    labels = {"namespace": "ns", "pod": "pod_name", "container": None}
    assert await ask(server, kind, end=RECORDED_AT + SECOND, labels=labels) is not None
    assert question(kind, server.asked[0]).labels == {"ns": "shop", "pod_name": "cart-0"}


@KINDS
async def test_of_another_cluster_s_profiles_none_is_asked_for(
    server: ProfileServerSimulator, kind: str, pushed: bytes
) -> None:
    # A pod of a StatefulSet has the same name in both.
    server.push(pushed, LABELS | {"cluster": "production"})
    end = RECORDED_AT + SECOND
    assert await ask(server, kind, end=end) is not None
    matchers = {"cluster": "staging", "account": "arn:aws:eks:eu-central-1:0123456789:cluster/shop_1"}
    assert await ask(server, kind, end=end, matchers=matchers) is None
    assert question(kind, server.asked[1]).labels == LABELS | matchers
    server.push(pushed, LABELS | matchers)
    assert await ask(server, kind, end=end, matchers=matchers) is not None


@KINDS
def test_a_source_says_what_it_is_and_whether_it_tells_containers_apart(
    server: ProfileServerSimulator, kind: str
) -> None:
    assert source(server, kind).kind == kind
    assert source(server, kind).tells_containers is True
    assert source(server, kind, labels={"container": None}).tells_containers is False


HOSTILE = [
    'cart-0"',
    'x",pod=~".*',
    "x\\",
    "x\n",
    "",
    "{}",
    "Cart",
    "-x",
    "x" * 254,
    "c\u00e4rt",
    "x\0",
]


@KINDS
@pytest.mark.parametrize("name", HOSTILE, ids=repr)
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_name_that_kubernetes_does_not_give_is_not_asked_about(
    server: ProfileServerSimulator, kind: str, name: str, place: int
) -> None:
    names = ["shop", "cart-0", "cart"]
    names[place] = name
    with pytest.raises(UnavailableError, match=r"^a pod has a name that Kubernetes does not give, and is not asked"):
        await ask(server, kind, ContainerRun(*names))
    assert server.asked == []


@KINDS
async def test_a_path_before_the_api_is_kept(cart: ProfileServerSimulator, kind: str) -> None:
    cart.prefix = "/profiles"
    for url in (f"{cart.url}/profiles", f"{cart.url}/profiles/"):
        assert await ask(cart, kind, end=RECORDED_AT + SECOND, url=url) is not None
    assert {asked.path for asked in cart.asked} == {f"/profiles{PATHS[kind]}"}


@KINDS
async def test_the_token_is_shown_and_read_again_when_it_changes(
    cart: ProfileServerSimulator, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    cart.token = "another"  # noqa: S105 - the simulator's
    asked = source(cart, kind, tokenFile="token")
    window = (CART, RECORDED_AT - SECOND, RECORDED_AT + SECOND)
    with pytest.raises(UnavailableError, match=r"does not accept the credentials \(401\)$"):
        await asked.profile(*window)
    file.write_text("another")
    assert await asked.profile(*window) is not None
    shown = [one.headers["authorization"] for one in cart.asked]
    assert shown == [f"Bearer {TOKEN}", "Bearer another"]
    file.unlink()
    with pytest.raises(UnavailableError, match=r"^source\.tokenFile 'token': cannot be read"):
        await asked.profile(*window)
    assert len(cart.asked) == 2


@KINDS
async def test_user_and_password_are_shown(cart: ProfileServerSimulator, kind: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("corr\u00e4ct: horse\n")
    login = {"username": "observer", "passwordFile": "password"}
    await ask(cart, kind, basicAuth=login)
    shown = cart.asked[0].headers["authorization"]
    assert base64.b64decode(shown.removeprefix("Basic ")).decode() == "observer:corr\u00e4ct: horse"


async def test_pyroscopes_tenant_is_named(cart: ProfileServerSimulator) -> None:
    cart.tenant = "staging"
    assert await refused(cart, "pyroscope") == "does not accept the credentials (401)"
    assert await ask(cart, "pyroscope", end=RECORDED_AT + SECOND, tenant="staging") is not None


UNUSABLE = [
    ("caFile", None),
    ("caFile", b""),
    ("caFile", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("tokenFile", None),
    ("tokenFile", b""),
    ("tokenFile", b"two words"),
    ("tokenFile", b"one\ntwo"),
    ("tokenFile", b"\xff"),
    ("tokenFile", b"x" * 4097),
    ("passwordFile", None),
    ("passwordFile", b""),
    ("passwordFile", b"\n"),
    ("passwordFile", b"one\ntwo\n"),
    ("passwordFile", b"x" * 4097),
]


@KINDS
@pytest.mark.parametrize(("key", "content"), UNUSABLE)
def test_a_file_that_cannot_be_used_is_a_mistake_in_the_configuration(
    server: ProfileServerSimulator, kind: str, key: str, content: bytes | None
) -> None:
    if content is not None:
        (server.ca_file.parent / "file").write_bytes(content)
    keys: dict[str, Any] = {key: "file"}
    if key == "passwordFile":
        keys = {"basicAuth": {"username": "u", key: "file"}}
    with pytest.raises(ConfigurationError, match=rf"^source\.{key} 'file': cannot be read") as caught:
        source(server, kind, **keys)
    assert "words" not in str(caught.value)


def test_certificates_have_a_limit(server: ProfileServerSimulator) -> None:
    pem = server.ca_file.read_bytes()
    for padding, usable in ((LIMITS.registry_file_bytes - len(pem), True), (LIMITS.registry_file_bytes, False)):
        (server.ca_file.parent / "file").write_bytes(pem + b"\n" * padding)
        with nullcontext() if usable else pytest.raises(ConfigurationError):
            source(server, "pyroscope", caFile="file")


@KINDS
def test_bytes_are_no_measure_that_evidence_can_be_made_of(server: ProfileServerSimulator, kind: str) -> None:
    counted = "memory:inuse_space:bytes:space:bytes"
    with pytest.raises(ConfigurationError, match=r"it measures neither a count nor a time; take CPU time$"):
        source(server, kind, profileType=counted)
