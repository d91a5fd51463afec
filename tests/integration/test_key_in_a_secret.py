"""Keys that the real cosign keeps in Secrets of a real API server."""

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import private_pem, public_pem
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.cosign_keys import generate_key_pair_in_cluster, verify_evidence
from webhook.cli.main import main

PROFILE = Path(__file__).parents[2] / "manifests" / "examples" / "profiles" / "cart.folded"
DIGEST = "sha256:" + "ab" * 32


def attest(output: Path, reference: str, kubeconfig: Path) -> Result:
    options = {
        "profile": PROFILE,
        "image": f"registry.example.com/shop/cart@{DIGEST}",
        "environment": "staging",
        "observed-until": "2026-01-24T06:36:35Z",
        "key": reference,
        "kubeconfig": kubeconfig,
        "output": output,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return CliRunner().invoke(main, ["attest", "--bundle", *flags], env={"COSIGN_PASSWORD": None})


@pytest.fixture
def place(control_plane: ControlPlane) -> str:
    return f"{Namespace.new(control_plane, None).name}/observer"


@pytest.mark.parametrize("passphrase", ["correct horse", ""])
def test_a_key_that_cosign_generated_in_the_cluster_signs(
    passphrase: str, place: str, control_plane: ControlPlane, tmp_path: Path
) -> None:
    public = generate_key_pair_in_cluster(tmp_path, place, passphrase, control_plane.kubeconfig)
    output = tmp_path / "cart.sigstore.json"
    result = attest(output, f"k8s://{place}", control_plane.kubeconfig)
    assert result.exit_code == 0, result.output
    verify_evidence(tmp_path, output, public, DIGEST)
    checked = CliRunner().invoke(main, ["verify", str(output), "--key", str(public), "--image-digest", DIGEST])
    assert checked.exit_code == 0, checked.output


def test_a_plain_key_in_the_same_member_signs_too(place: str, control_plane: ControlPlane, tmp_path: Path) -> None:
    namespace, name = place.split("/")
    (tmp_path / "own.pem").write_bytes(private_pem("P-384"))
    (tmp_path / "own.pub").write_bytes(public_pem("P-384"))
    content = f"--from-file=cosign.key={tmp_path / 'own.pem'}"
    control_plane.kubectl("-n", namespace, "create", "secret", "generic", name, content)
    result = attest(tmp_path / "cart.json", f"k8s://{place}", control_plane.kubeconfig)
    assert result.exit_code == 0, result.output
    arguments = [str(tmp_path / "cart.json"), "--key", str(tmp_path / "own.pub"), "--image-digest", DIGEST]
    assert CliRunner().invoke(main, ["verify", *arguments]).exit_code == 0


def test_a_secret_that_does_not_exist_is_named(place: str, control_plane: ControlPlane, tmp_path: Path) -> None:
    result = attest(tmp_path / "cart.json", f"k8s://{place}", control_plane.kubeconfig)
    assert result.exit_code == 2
    assert f"k8s://{place}: there is no such Secret" in result.stderr


def test_a_secret_without_the_member_is_named(place: str, control_plane: ControlPlane, tmp_path: Path) -> None:
    namespace, name = place.split("/")
    control_plane.kubectl("-n", namespace, "create", "secret", "generic", name, "--from-literal=tls.key=x")
    result = attest(tmp_path / "cart.json", f"k8s://{place}", control_plane.kubeconfig)
    assert result.exit_code == 2
    assert f"k8s://{place}: the Secret has no member cosign.key" in result.stderr


def test_a_user_who_may_read_this_secret_alone_can_sign(
    place: str, control_plane: ControlPlane, tmp_path: Path
) -> None:
    namespace, name = place.split("/")
    generate_key_pair_in_cluster(tmp_path, place, "correct horse", control_plane.kubeconfig)
    user = f"observer-{namespace}"
    kubeconfig = control_plane.kubeconfig_for(user)
    refused = attest(tmp_path / "cart.json", f"k8s://{place}", kubeconfig)
    assert refused.exit_code == 2
    assert f"k8s://{place}: this account may not read it; it needs the verb `get`" in refused.stderr
    rule = ("--verb=get", "--resource=secrets", f"--resource-name={name}")
    control_plane.kubectl("-n", namespace, "create", "role", "signs", *rule)
    control_plane.kubectl("-n", namespace, "create", "rolebinding", "signs", "--role=signs", f"--user={user}")
    assert attest(tmp_path / "cart.json", f"k8s://{place}", kubeconfig).exit_code == 0


def test_nothing_of_the_secret_is_shown(place: str, control_plane: ControlPlane, tmp_path: Path) -> None:
    namespace, name = place.split("/")
    generate_key_pair_in_cluster(tmp_path, place, "correct horse", control_plane.kubeconfig)
    stored = json.loads(control_plane.kubectl("-n", namespace, "get", "secret", name, "-o", "json").stdout)["data"]
    (tmp_path / "wrong").write_text("battery staple")
    arguments = ["attest", "--key-passphrase-file", str(tmp_path / "wrong"), "--key", f"k8s://{place}"]
    options = ["--kubeconfig", str(control_plane.kubeconfig), "--output", str(tmp_path / "cart.json")]
    what = ["--profile", str(PROFILE), "--image", f"example.com/cart@{DIGEST}", "--environment", "staging"]
    result = CliRunner().invoke(main, [*arguments, *options, *what, "--observed-until", "now"])
    assert result.exit_code == 2
    assert "the passphrase is wrong, or the file was changed" in result.stderr
    secrets = [base64.b64decode(value).decode() for value in stored.values()]
    assert sorted(stored) == ["cosign.key", "cosign.password", "cosign.pub"]
    shown = "".join(result.output.split())
    assert not [secret for secret in [*secrets, *stored.values(), "battery"] if "".join(secret.split()) in shown]
