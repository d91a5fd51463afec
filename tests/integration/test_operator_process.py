"""The operator's process: what it tells, how it ends, and how it bears an API server that goes away."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll
from tests.operator.process import SECRET, Operator, make_operator_account, secret_data, service_in_front

UNTIL_LOOK = 25.0
PREFIX = "execution_evidence_gate_operator"
DAY = 86_400


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    name = Namespace.new(control_plane, None).name
    apply(control_plane, service_in_front(name))
    return name


@pytest.fixture
def operator(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Operator]:
    kubeconfig = make_operator_account(control_plane, namespace, "nobody")
    with Operator(tmp_path, kubeconfig, namespace, "nobody") as running:
        poll(lambda: secret_data(control_plane, namespace), UNTIL_LOOK, "the Secret is there")
        yield running


def ask(operator: Operator, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(operator.address(), timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def samples(operator: Operator) -> dict[str, float]:
    lines = [line for line in ask(operator, "/metrics")[1].splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_probe_and_metrics_tell_how_it_is(operator: Operator) -> None:
    healthy = f'{PREFIX}_healthy{{work="certificates"}}'
    poll(lambda: samples(operator).get(healthy) == 1, UNTIL_LOOK, "the first look is done")
    assert ask(operator, "/healthz") == (200, "ok\n")
    found = samples(operator)
    for name, days in (("leaf", 30), ("authority", 365)):
        left = found[f'{PREFIX}_certificate_seconds_left{{certificate="{name}"}}']
        assert days * DAY - 60 < left <= days * DAY
        assert found[f'{PREFIX}_certificate_renewals_total{{certificate="{name}"}}'] == 1


def test_it_ends_at_once_when_it_is_told_to(operator: Operator) -> None:
    operator.program.terminate()
    assert operator.program.wait(5) == 0


def test_it_goes_on_after_the_api_server_was_away(
    operator: Operator, namespace: str, control_plane: ControlPlane
) -> None:
    control_plane._kill_api_server()
    control_plane.start_api_server()
    control_plane.kubectl("-n", namespace, "delete", "secret", SECRET)
    poll(lambda: secret_data(control_plane, namespace), 2 * UNTIL_LOOK, "the Secret is there again")
    assert operator.program.exit_code is None
