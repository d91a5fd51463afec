"""Objects whose answer matters: posted, and read back within a cap."""

import pytest

from tests.simulators.api_server import ApiServerSimulator, Fault, sends, status
from webhook.kube.api_errors import ApiError, ApiGarbageError, ApiStatusError, ApiTooLargeError
from webhook.kube.client import KubeClient

PATH = "/apis/events.k8s.io/v1/namespaces/shop/events"
OBJECT = {"metadata": {"name": "one"}, "note": "a note"}
CAP = 1024


async def test_the_answer_is_given_back(simulator: ApiServerSimulator, client: KubeClient) -> None:
    assert await client.create(PATH, OBJECT, CAP) == OBJECT
    assert simulator.events["one"] == OBJECT
    assert simulator.headers["Content-Type"] == "application/json"


FAULTS: list[tuple[str, Fault, type[ApiError]]] = [
    ("a status", status(403), ApiStatusError),
    ("no JSON", sends(b"<html>"), ApiGarbageError),
    ("no object", sends(b"[]"), ApiGarbageError),
    ("beyond the cap", sends(b'{"a": "' + b"x" * CAP + b'"}'), ApiTooLargeError),
]


@pytest.mark.parametrize(("_name", "fault", "error"), FAULTS, ids=[name for name, _, _ in FAULTS])
async def test_an_answer_that_cannot_be_used_is_an_error(
    simulator: ApiServerSimulator, client: KubeClient, _name: str, fault: Fault, error: type[ApiError]
) -> None:
    simulator.faults["event"].append(fault)
    with pytest.raises(error):
        await client.create(PATH, OBJECT, CAP)
