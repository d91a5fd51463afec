"""One control plane and one webhook a session, and the mark `integration` on every test of this folder."""

import itertools
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cluster import Namespace, apply, make_account, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of
from tests.harness.gate import Gate
from tests.harness.workloads import API_VERSIONS, ROLLOUT_CRD

HERE = Path(__file__).resolve().parent
CRD = HERE.parents[1] / "manifests" / "crds" / "executionevidences.yaml"

NamespaceMaker = Callable[[str | None], Namespace]
GateStarter = Callable[..., Gate]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("integration")


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """An API server that all tests of the session share; each takes a namespace of its own."""
    # A test run that is told to stop takes its servers with it, as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ControlPlane() as running:
        yield running


@pytest.fixture(scope="session")
def evidence_kind(control_plane: ControlPlane) -> None:
    """The kind ExecutionEvidence, from the shipped manifest."""
    control_plane.kubectl("apply", "-f", str(CRD))
    name = "crd/executionevidences.stella.ops"
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)


@pytest.fixture(scope="session")
def account(control_plane: ControlPlane) -> Path:
    """The kubeconfig of the webhook's own user."""
    return make_account(control_plane)


@pytest.fixture(scope="session")
def gate(control_plane: ControlPlane, account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A registered webhook that nobody disturbs.

    Environments: `production` blocks, `preproduction` warns, `development` is not required.
    Images: `sufficient`, `insufficient` (1 hot symbol, no call path), `stranger` (signed by a key without trust).
    """
    apply(control_plane, ROLLOUT_CRD)
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/rollouts.argoproj.io")
    policy = {
        "RequiredEnvironments": ["production", "preproduction"],
        "Overrides": {"preproduction": {"MissingEvidenceAction": "Warn"}},
    }
    folder = tmp_path_factory.mktemp("gate")
    sections = {"workloads": list(API_VERSIONS), "helpUrl": "https://example.com/evidence"}
    running = Gate(folder, policy, account, **sections)
    running.publish(digest_of("sufficient"))
    running.publish(digest_of("insufficient"), hotSymbolCount=1, uniqueCallPaths=0)
    running.publish(digest_of("stranger"), signer=Signer.new())
    environments = ("production", "preproduction", "development")
    with running, registered(control_plane, running, environments):
        yield running


@pytest.fixture
def namespace_in(control_plane: ControlPlane, gate: Gate) -> NamespaceMaker:  # noqa: ARG001 - it must run
    """Makes a namespace of an environment, which the session's webhook watches; None: of no environment."""
    return lambda environment: Namespace.new(control_plane, environment)


@pytest.fixture
def production(namespace_in: NamespaceMaker) -> Namespace:
    """A namespace of the environment `production`."""
    return namespace_in("production")


@pytest.fixture
def start_gate(control_plane: ControlPlane, account: Path, tmp_path: Path) -> Iterator[GateStarter]:
    """Starts webhooks that a test may disturb, each registered for an environment of its own."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def start(environment: str, **sections: Any) -> Gate:
            folder = tmp_path / f"gate-{next(numbers)}"
            folder.mkdir()
            running = stack.enter_context(Gate(folder, {"RequiredEnvironments": [environment]}, account, **sections))
            stack.enter_context(registered(control_plane, running, [environment]))
            return running

        yield start
