"""Evidence as a resource: what is asked of the API server, and what is said when it does not do it."""

import json
import re
from pathlib import Path

import pytest

from tests.publish.making import evidence
from tests.simulators.api_objects import ApiObjectsSimulator
from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.attest.signing.signed import SignedEvidence
from webhook.errors import UnavailableError
from webhook.kube.opening import open_client
from webhook.publish.resource import EVIDENCE_CHARACTERS, Applied, apply_evidence, resource_name

COLLECTION = "/apis/stella.ops/v1alpha1/executionevidences"
SIGNED = evidence(IMAGE)
KEYLESS = SignedEvidence(SIGNED.payload, SIGNED.digests, None, SIGNED.bundle)


async def apply(folder: Path, answers: dict[str, object], signed: SignedEvidence = SIGNED) -> Applied:
    """Applies evidence to an API server that answers so."""
    async with ApiObjectsSimulator(folder) as server:
        server.objects |= answers  # type: ignore[arg-type] # the tests' tables hold any of the kinds
        async with open_client(server.kubeconfig) as client:
            return await apply_evidence(client, signed)


def there(spec: object) -> dict[str, object]:
    """The API server has an object of that name."""
    return {COLLECTION: 409, f"{COLLECTION}/{resource_name(SIGNED)}": {"spec": spec}}


def test_a_name_is_one_that_objects_may_have_and_tells_evidence_apart() -> None:
    names = [
        resource_name(signed) for signed in (SIGNED, KEYLESS, evidence(IMAGE, note="two"), evidence(OTHER_IMAGE))
    ]
    # RFC 1123, as Kubernetes has it for names: at most 253 characters.
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?", name) for name in names)
    assert len(set(names)) == 4
    assert resource_name(evidence(IMAGE)) == names[0]


async def test_what_is_there_already_is_found_to_be_the_same(tmp_path: Path) -> None:
    assert SIGNED.envelope is not None
    spec = {"envelope": json.loads(SIGNED.envelope)}
    assert await apply(tmp_path, there(spec)) == Applied(resource_name(SIGNED), created=False)


async def test_another_object_of_the_same_name_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"has another ExecutionEvidence called .*, which was left as it is"):
        await apply(tmp_path, there({"envelope": {}}))


FAILURES: dict[str, tuple[dict[str, object], str]] = {
    "401": ({COLLECTION: 401}, r"does not accept who asks \(401\)"),
    "403": ({COLLECTION: 403}, r"does not let this user create ExecutionEvidence resources \(403\)"),
    "403 afterwards": (
        {COLLECTION: 409, f"{COLLECTION}/{resource_name(SIGNED)}": 403},
        r"is there already, but .*: the API server does not let this user get ExecutionEvidence resources \(403\)",
    ),
    "404": ({COLLECTION: 404}, r"knows no ExecutionEvidence resources \(404\): install the chart"),
    "413": ({COLLECTION: 413}, r"finds the evidence too large \(413\)"),
    "422": ({COLLECTION: 422}, r"does not take the evidence as an ExecutionEvidence \(422\)"),
    "429": ({COLLECTION: 429}, r"limits the rate of requests \(429\)"),
    "500": ({COLLECTION: 500}, r"the API server answered 500"),
    "no JSON": ({COLLECTION: 409, f"{COLLECTION}/{resource_name(SIGNED)}": b"<html>"}, "not JSON"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_each_failure_has_a_sentence_of_its_own(tmp_path: Path, failure: str) -> None:
    answers, sentence = FAILURES[failure]
    with pytest.raises(UnavailableError, match=sentence):
        await apply(tmp_path, answers)


async def test_a_server_that_is_not_there_is_said_not_to_be_reached(tmp_path: Path) -> None:
    async with ApiObjectsSimulator(tmp_path) as server:
        await server.go_away()
        async with open_client(server.kubeconfig) as client:
            with pytest.raises(UnavailableError, match="the connection to the API server failed"):
                await apply_evidence(client, SIGNED)


@pytest.mark.parametrize("signed", [SIGNED, KEYLESS], ids=["envelope", "bundle"])
async def test_more_than_a_resource_may_hold_is_not_sent(tmp_path: Path, signed: SignedEvidence) -> None:
    raw = json.dumps({"payload": "x" * (EVIDENCE_CHARACTERS + 1)}).encode()
    large = SignedEvidence(b"", signed.digests, None if signed.envelope is None else raw, raw)
    async with ApiObjectsSimulator(tmp_path) as server, open_client(server.kubeconfig) as client:
        with pytest.raises(UnavailableError, match="the evidence is larger than the 1048576 bytes"):
            await apply_evidence(client, large)
        assert not server.paths
