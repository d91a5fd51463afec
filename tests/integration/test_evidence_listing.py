"""`evidence-gate evidence` with real parts: what cosign and oras attach to real registries, and a real API server."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.listing import SCHEMA
from tests.harness import oras
from tests.harness.attaching import WAYS, Publisher
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, statement
from tests.harness.oci import Pusher
from tests.harness.registry import Registry
from tests.integration.test_registry_login import pull_secret
from tests.support.json_schema import accepts

COMMAND = Path(sys.executable).with_name("evidence-gate")
POLICY = {"ExecutionEvidence": {"Enabled": True, "MissingEvidenceAction": "Block"}}


def evidence(command: str, image: str, *more: str | Path, home: Path) -> tuple[int, str]:
    """Runs `evidence-gate evidence` as somebody at a terminal, and gives exit code and output."""
    done = subprocess.run(
        [COMMAND, "evidence", command, image, *more],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        env={"HOME": str(home), "PATH": ""},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def document(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output)
    assert accepts(SCHEMA, found)
    return found


@pytest.fixture(scope="module", params=[True, False], ids=["referrers-api", "no-referrers-api"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry"), referrers=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def shop(registry: Registry) -> Pusher:
    return registry.repository(f"shop/{uuid.uuid4().hex}")


def test_everything_that_anybody_attached_is_listed(
    shop: Pusher, publisher: Publisher, stranger: Publisher, tmp_path: Path
) -> None:
    digest = shop.image("cart", tag="1.0")
    image = f"{shop.repository}@{digest}"
    for way in WAYS:
        way.attach(publisher, image)
    WAYS[0].attach(stranger, image)
    publisher.cosign.sign(image, layout="bundle")
    keys = (f"--key={publisher.cosign.public_key}", f"--key={publisher.folder / 'staging.pub'}")
    code, output = evidence("list", f"{shop.repository}:1.0", *keys, "-o", "json", home=tmp_path)
    assert code == 0, output
    found = document(output)
    assert (found["digest"], found["complete"]) == (digest, True)
    verified = [entry for entry in found["statements"] if entry["verified"]]
    signers = [signer for entry in verified for signer in entry["signers"]]
    assert signers.count("cosign.pub") == 2
    # Envelopes that were made within one second are the same bytes, and then one statement.
    assert 1 <= signers.count("staging.pub") == len(signers) - 2 <= 3
    (other,) = [entry for entry in found["statements"] if not entry["verified"]]
    assert other["reason"] == "EvidenceUntrusted"


def test_a_statement_is_shown_as_it_was_signed(shop: Pusher, publisher: Publisher, tmp_path: Path) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    publisher.cosign.attest(
        image,
        {"environment": "staging", "observedUntil": "2026-11-24T06:00:00Z"}
        | {"hotSymbolCount": 7, "uniqueCallPaths": 5, "tracer": {"name": "perf"}},
    )
    key = f"--key={publisher.cosign.public_key}"
    code, table = evidence("list", image, key, home=tmp_path)
    assert code == 0, table
    (beginning,) = set(re.findall(r"(sha256:[0-9a-f]{12}) ", table))
    code, output = evidence("show", image, key, "--digest", beginning, "-o", "json", home=tmp_path)
    assert code == 0, output
    (entry,) = document(output)["statements"]
    assert entry["statement"]["predicate"]["tracer"] == {"name": "perf"}
    assert entry["statement"]["predicateType"] == "https://stella.ops/executionEvidence@v1"


def test_an_image_with_nothing_beside_it_exits_with_1(shop: Pusher, publisher: Publisher, tmp_path: Path) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    code, output = evidence("list", image, f"--key={publisher.cosign.public_key}", home=tmp_path)
    assert code == 1
    assert "no statement about this image" in output


def test_a_registry_that_is_gone_exits_with_3(publisher: Publisher, tmp_path: Path) -> None:
    registry = Registry(tmp_path, referrers=True)  # Never started.
    image = f"{registry.host}/shop/cart@sha256:{'0' * 64}"
    code, output = evidence("list", image, f"--key={publisher.cosign.public_key}", home=tmp_path)
    assert code == 3
    assert "EvidenceUnavailable" in output
    assert f"registry {registry.host} takes no connection" in output


def test_a_private_registry_is_asked_with_the_login_that_docker_keeps(publisher: Publisher, tmp_path: Path) -> None:
    with Registry(tmp_path, referrers=True, private=True) as registry:
        shop = registry.repository("shop/cart")
        image = f"{shop.repository}@{shop.image('cart')}"
        config = tmp_path / "gate.json"
        (tmp_path / "docker.json").write_text(registry.docker_config())
        sections = {"PolicyGates": POLICY, "trust": publisher.trust()}
        for section, code in (({}, 3), ({"dockerConfig": "docker.json"}, 1)):
            stores = {"registry": registry.settings(**section)}
            config.write_text(json.dumps(sections | {"stores": stores}))
            assert evidence("list", image, f"--config={config}", home=tmp_path)[0] == code


@pytest.mark.usefixtures("evidence_kind")
def test_what_lies_in_the_cluster_is_listed_with_the_rest(control_plane: ControlPlane, tmp_path: Path) -> None:
    signer, digest = Signer.new(), f"sha256:{uuid.uuid4().hex * 2}"
    (tmp_path / "staging.pub").write_bytes(signer.public_pem)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "cart.json").write_text(signer.sign(statement(digest, hotSymbolCount=9)))
    name = f"cart-{digest[-8:]}"
    envelopes = {
        who: json.loads(by.sign(statement(digest))) for who, by in (("staging", signer), ("stranger", Signer.new()))
    }
    # The payload is the word "nonsense", so nobody knows which image it is about.
    envelopes["broken"] = envelopes["staging"] | {"payload": "bm9uc2Vuc2U="}
    kind = {"apiVersion": "stella.ops/v1alpha1", "kind": "ExecutionEvidence"}
    apply(
        control_plane,
        *(
            kind | {"metadata": {"name": f"{name}-{who}"}, "spec": {"envelope": envelope}}
            for who, envelope in envelopes.items()
        ),
    )
    document_ = {
        "PolicyGates": POLICY,
        "stores": {"cluster": {}, "directory": {"path": "evidence"}},
        "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
    }
    config = tmp_path / "gate.json"
    config.write_text(json.dumps(document_))
    image = f"registry.example.com/shop/cart@{digest}"
    options = (f"--config={config}", f"--kubeconfig={control_plane.kubeconfig}", "-o", "json")
    code, output = evidence("list", image, *options, home=tmp_path)
    assert code == 0, output
    found = document(output)
    assert sorted((entry["where"], entry["counts"]) for entry in found["statements"]) == [
        (f"cluster:executionevidences/{name}-staging", True),
        (f"cluster:executionevidences/{name}-stranger", False),
        ("directory:cart.json", True),
    ]
    assert [verdict["verdict"] for verdict in found["verdicts"]] == ["Pass"]
    (remark,) = found["remarks"]
    assert re.match(r"cluster: ExecutionEvidence objects that cannot be read, for whatever image: [1-9]", remark)


def test_a_cluster_that_does_not_answer_exits_with_3(control_plane: ControlPlane, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    text = control_plane.kubeconfig.read_text()
    kubeconfig.write_text(re.sub(r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:1", text))
    config = tmp_path / "gate.json"
    config.write_text(json.dumps({"PolicyGates": POLICY, "stores": {"cluster": {}}}))
    image = f"registry.example.com/shop/cart@sha256:{'0' * 64}"
    code, output = evidence("list", image, f"--config={config}", f"--kubeconfig={kubeconfig}", home=tmp_path)
    assert code == 3
    assert "the cluster store cannot be read" in output


def test_pull_secrets_are_those_of_the_namespace_that_is_named(
    control_plane: ControlPlane, publisher: Publisher, tmp_path: Path
) -> None:
    with Registry(tmp_path, referrers=True, private=True) as registry:
        shop = registry.repository("shop/cart")
        image = f"{shop.repository}@{shop.image('cart')}"
        oras.attach(image, publisher.envelope(image), reached=registry.oras_flags())
        namespace = Namespace.new(control_plane, None)
        assert namespace.create(pull_secret(registry)).returncode == 0
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        assert namespace.create(account | {"imagePullSecrets": [{"name": "pull"}]}).returncode == 0
        stores = {"registry": registry.settings(pullSecrets=True)}
        config = tmp_path / "gate.json"
        config.write_text(json.dumps({"PolicyGates": POLICY, "stores": stores, "trust": publisher.trust()}))
        options = (f"--config={config}", f"--kubeconfig={control_plane.kubeconfig}", "-o", "json")
        code, output = evidence("list", image, *options, "-n", namespace.name, home=tmp_path)
        assert code == 0, output
        assert [verdict["verdict"] for verdict in document(output)["verdicts"]] == ["Pass"]
        assert evidence("list", image, *options, "-n", Namespace.new(control_plane, None).name, home=tmp_path)[0] == 3
