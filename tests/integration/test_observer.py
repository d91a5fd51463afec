"""`evidence-gate observe`: what ran in staging may run in production, and nothing else."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.attest.keys import private_pem
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.polling import poll
from tests.harness.profile_servers import ProfileServer, RealParca, RealPyroscope
from tests.harness.registry import Registry
from tests.integration.conftest import GateStarter
from tests.integration.soak import Soak, busy, lines
from tests.simulators.profile_server import Asked, Handler, ProfileServerSimulator

SECONDS = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProfileServerSimulator]:
    with ProfileServerSimulator(tmp_path) as running:
        yield running


@pytest.fixture
def soak(control_plane: ControlPlane, server: ProfileServerSimulator, tmp_path: Path, evidence_kind: None) -> Soak:  # noqa: ARG001 - it must be there
    return Soak.new(control_plane, server, tmp_path)


def target_of(soak: Soak, start_gate: GateStarter) -> Namespace:
    """A namespace in which the gate, with the observer's own configuration, admits."""
    start_gate(soak.target, **soak.gate)
    return Namespace.new(soak.control_plane, soak.target)


def test_what_ran_in_staging_is_admitted_and_what_only_stood_in_a_pod_is_not(
    soak: Soak, start_gate: GateStarter
) -> None:
    production = target_of(soak, start_gate)
    for name in ("cart-0", "cart-1"):
        soak.pod(name, image_of("never-ran"), image_of("ran"))
        soak.profile(name)
    soak.pod("idle-0", image_of("idle"), image_of("idle"))
    assert not production.admits(image_of("ran"))
    answer = soak.observe()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = {line["image"]: (line["outcome"], line["containers"]) for line in lines(answer)}
    assert told == {image_of("ran"): ("attested", 2), image_of("idle"): ("below", 0)}
    [made] = soak.evidence()
    assert digest_of("never-ran").removeprefix("sha256:") not in made
    poll(lambda: production.admits(image_of("ran")), SECONDS, "what ran is admitted")
    assert not production.admits(image_of("never-ran"))
    assert not production.admits(image_of("idle"))


def test_the_next_run_finds_what_was_attested_and_leaves_it(soak: Soak) -> None:
    soak.pod("cart-0", image_of("fresh"), image_of("fresh"))
    soak.profile("cart-0")
    for outcome in ("attested", "fresh"):
        answer = soak.observe()
        assert (answer.returncode, [line["outcome"] for line in lines(answer)]) == (0, [outcome]), answer.stderr
    assert len(soak.evidence()) == 1


def test_only_the_namespaces_of_the_environment_are_watched(soak: Soak, control_plane: ControlPlane) -> None:
    elsewhere = Namespace.new(control_plane, f"{soak.environment}-other")
    soak.pod("cart-0", image_of("elsewhere"), image_of("elsewhere"), elsewhere)
    soak.profile("cart-0", namespace=elsewhere)
    second = Namespace.new(control_plane, soak.environment)
    soak.pod("cart-0", image_of("second"), image_of("second"), second)
    soak.pod("cart-0", image_of("first"), image_of("first"))
    # Each run begins at another image.
    assert {line["image"] for line in lines(soak.observe())} == {image_of("first"), image_of("second")}
    told = lines(soak.observe(excludedNamespaces=[second.name]))
    assert [line["image"] for line in told] == [image_of("first")]
    told = lines(soak.observe(namespaces=[second.name]))
    assert [line["image"] for line in told] == [image_of("second")]


def test_a_namespace_that_is_named_and_not_of_the_environment_is_told(
    soak: Soak, control_plane: ControlPlane
) -> None:
    elsewhere = Namespace.new(control_plane, None)
    answer = soak.observe(namespaces=[elsewhere.name, "none"])
    assert answer.returncode == 3
    assert [line["detail"] for line in lines(answer, "not observed")] == [
        "there is no namespace none",
        f"namespace {elsewhere.name} is not labelled as one of {soak.environment}",
    ]


def test_a_dry_run_shows_a_table_and_writes_nothing(soak: Soak) -> None:
    (soak.folder / "observer.pem").unlink()
    soak.pod("cart-0", image_of("shown"), image_of("shown"))
    soak.profile("cart-0")
    soak.pod("local-0", "local:1", digest_of("a configuration"))
    answer = soak.observe("--dry-run")
    assert answer.returncode == 0, answer.stderr
    head, row, left_out = answer.stdout.splitlines()
    assert head.split() == ["ENVIRONMENT", "IMAGE", "CONTAINERS", "PROFILED", "COUNTED", "HOT", "PATHS", "OUTCOME"]
    assert row.split() == [soak.environment, image_of("shown"), "1", "1", "900000000", "3", "3", "would", "attest"]
    assert left_out == (
        f"left out: {soak.namespace.name}/local-0, container cart: its imageID names no manifest, so nobody knows "
        "which image of a registry it is"
    )
    assert soak.evidence() == []


def test_a_server_that_is_down_is_unknown_and_ends_with_3(soak: Soak) -> None:
    soak.pod("cart-0", image_of("down"), image_of("down"))
    soak.server.fault = lambda handler, _: handler.send(503, b"")
    answer = soak.observe()
    assert answer.returncode == 3
    assert [line["outcome"] for line in lines(answer)] == ["unknown"]
    assert soak.evidence() == []


def test_a_key_that_the_gate_does_not_trust_publishes_nothing_and_ends_with_1(soak: Soak) -> None:
    (soak.folder / "observer.pem").write_bytes(private_pem("Ed25519", owner="stranger"))
    soak.pod("cart-0", image_of("refused"), image_of("refused"))
    soak.profile("cart-0")
    answer = soak.observe()
    assert answer.returncode == 1
    assert [line["outcome"] for line in lines(answer)] == ["refused"]
    assert soak.evidence() == []


def test_who_may_not_write_is_told_so(soak: Soak, control_plane: ControlPlane) -> None:
    answer = soak.observe(kubeconfig=control_plane.kubeconfig_for("nobody"))
    assert (answer.returncode, answer.stdout.count("image observed")) == (3, 0)
    assert answer.stderr == "the cluster cannot be read: the API server answered 403\n"


def test_sigterm_ends_a_run_at_once(soak: Soak) -> None:
    asked, let_go = threading.Event(), threading.Event()

    def hang(_: Handler, __: Asked) -> None:
        asked.set()
        let_go.wait(SECONDS)

    soak.server.fault = hang
    soak.pod("cart-0", image_of("stopped"), image_of("stopped"))
    process = subprocess.Popen(soak.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert asked.wait(SECONDS)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
    finally:
        process.kill()
        let_go.set()
    assert (process.returncode, errors) == (3, "stopped before the end; what was attested by then stays\n")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(folder, referrers=True) as running:
        yield running


@pytest.mark.parametrize("layout", ["referrer", "cosign"])
def test_an_index_and_its_platform_are_attested_in_their_registry(  # noqa: PLR0913, PLR0917 - fixtures
    control_plane: ControlPlane,
    server: ProfileServerSimulator,
    tmp_path: Path,
    registry: Registry,
    start_gate: GateStarter,
    evidence_kind: None,  # noqa: ARG001 - it must be there
    layout: str,
) -> None:
    soak = Soak.new(
        control_plane, server, tmp_path, stores={"cluster": {}, "registry": registry.settings(absentSeconds=0)}
    )
    production = target_of(soak, start_gate)
    repository = f"{registry.host}/shop/cart"
    index, platforms = registry.repository("shop/cart").index("cart", ["linux/amd64", "linux/arm64"])
    other, _ = registry.repository("shop/cart").index("other", ["linux/amd64"])
    ran = platforms["linux/amd64"]
    # As CRI-O tells it: the author named an index, the kubelet says which manifest of it runs.
    soak.pod("cart-0", f"{repository}@{index}", f"{repository}@{ran}")
    soak.pod("cart-1", f"{repository}@{other}", f"{repository}@{ran}")
    soak.profile("cart-0")
    answer = soak.observe(publish={"cluster": False, "registry": {"layout": layout}})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    [told] = lines(answer)
    assert (told["outcome"], told["digests"]) == ("attested", sorted([index, ran]))
    assert f"{other} is left out: not known to be what ran" in told["detail"]
    assert soak.evidence() == []
    for digest, admitted in ((index, True), (ran, True), (other, False), (platforms["linux/arm64"], False)):
        assert production.admits(f"{repository}@{digest}") is admitted, digest
    assert [line["outcome"] for line in lines(soak.observe())] == ["fresh"]


@pytest.mark.parametrize("made", [RealPyroscope, RealParca])
def test_real_servers_have_the_profiles_of_the_pods_that_they_are_asked_for(
    soak: Soak, tmp_path: Path, made: type[ProfileServer]
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    soak.pod("cart-0", image_of(f"real {made.kind}"), image_of(f"real {made.kind}"))
    soak.pod("idle-0", image_of(f"idle {made.kind}"), image_of(f"idle {made.kind}"))
    with made(folder) as running:
        labels = {"namespace": soak.namespace.name, "pod": "cart-0", "container": "cart"}
        running.push(busy(datetime.now(UTC) - timedelta(minutes=2)), labels)
        source = {"kind": made.kind, "url": running.url, "insecure": True, "profileType": made.counted}
        answer = soak.observe(source=source)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = {line["image"]: (line["outcome"], line["containers"]) for line in lines(answer)}
    assert told == {image_of(f"real {made.kind}"): ("attested", 1), image_of(f"idle {made.kind}"): ("below", 0)}
    [made_evidence] = soak.evidence()
    assert json.loads(made_evidence)["predicate"]["tracer"] == {"name": made.kind}
