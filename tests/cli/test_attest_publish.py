"""`evidence-gate attest --push --apply -o`: several places, one signature, and what is said of each."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import private_pem
from tests.simulators.registry_thread import RegistryThread
from webhook.cli.attest_publish import PublishOptions, publisher
from webhook.cli.main import main
from webhook.model.image import ImageReference
from webhook.stores.registry.reference import Repository, attestation_tag

GATE = str(Path(sys.executable).with_name("evidence-gate"))
PROFILE = b"main;price 30\nmain;stock 20\n"
ABSENT = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistryThread]:
    """A registry with the referrers API."""
    with RegistryThread(referrers=True) as running:
        yield running


@pytest.fixture
def image(registry: RegistryThread, request: pytest.FixtureRequest) -> str:
    """An image that is there, another for each test."""
    shop = registry.repository("shop/cart")
    return f"{shop.repository}@{shop.image(re.sub('[^a-z]', '', request.node.name.lower())[:100])}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key and a profile, of somebody who has never logged in, outside of any cluster."""
    (tmp_path / "key.pem").write_bytes(private_pem("P-256"))
    (tmp_path / "cart.folded").write_bytes(PROFILE)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return tmp_path


def attest(folder: Path, image: str, *options: str) -> Result:
    """Runs the command."""
    what = [f"--image={image}", "--environment=staging", f"--profile={folder / 'cart.folded'}"]
    what += ["--observed-until=2026-11-24T06:36:35Z", f"--key={folder / 'key.pem'}"]
    return CliRunner().invoke(main, ["attest", *what, *options])


def referrers(registry: RegistryThread, image: str) -> list[dict[str, Any]]:
    """Gives the manifests that refer to an image."""
    digest = image.partition("@")[2]
    found = [json.loads(raw) for _, raw in registry.simulator.manifests.values()]
    return [manifest for manifest in found if manifest.get("subject", {}).get("digest") == digest]


def test_one_signature_goes_to_every_place(registry: RegistryThread, folder: Path, image: str) -> None:
    file = folder / "evidence.json"
    done = attest(folder, image, "--push", f"--output={file}", "--bundle")
    assert done.exit_code == 0, done.output
    (manifest,) = referrers(registry, image)
    pushed = registry.simulator.blobs["shop/cart", manifest["layers"][0]["digest"]]
    assert pushed == file.read_bytes()
    assert re.search(r"pushed: \S+/shop/cart@sha256:[0-9a-f]{64}\n", done.stderr)


def test_the_layout_of_cosign_has_the_bare_envelope(registry: RegistryThread, folder: Path, image: str) -> None:
    file = folder / "evidence.json"
    done = attest(folder, image, "--push", "--layout=cosign", f"--output={file}")
    assert done.exit_code == 0, done.output
    tag = attestation_tag(image.partition("@")[2])
    assert f", listed at the tag {tag}" in done.stderr
    manifest = json.loads(registry.simulator.manifests["shop/cart", registry.simulator.tags["shop/cart", tag]][1])
    (layer,) = manifest["layers"]
    assert registry.simulator.blobs["shop/cart", layer["digest"]] == file.read_bytes()
    # As cosign 3.1.3 writes them.
    assert layer["annotations"] == {
        "dev.cosignproject.cosign/signature": "",
        "predicateType": "https://stella.ops/executionEvidence@v1",
    }


def test_evidence_is_in_the_file_though_it_cannot_be_pushed(folder: Path, image: str) -> None:
    file = folder / "evidence.json"
    done = attest(folder, f"{image.partition('@')[0]}@{ABSENT}", "--push", f"--output={file}")
    assert done.exit_code == 3
    assert f"written: {file}\n" in done.stderr
    assert (
        f"not pushed: registry 127.0.0.1:{image.split(':')[1].split('/', maxsplit=1)[0]} has no image {ABSENT}"
        in done.stderr
    )
    assert json.loads(file.read_text())["payloadType"] == "application/vnd.in-toto+json"


def test_a_place_that_fails_keeps_evidence_from_no_other(registry: RegistryThread, folder: Path, image: str) -> None:
    nowhere = folder / "kubeconfig"
    nowhere.write_text("{}")
    done = attest(folder, image, "--push", "--apply", f"--kubeconfig={nowhere}")
    assert done.exit_code == 3
    assert "pushed: " in done.stderr
    assert f"not applied: kubeconfig {nowhere} does not lead to an API server" in done.stderr
    assert len(referrers(registry, image)) == 1


def test_a_file_that_cannot_be_written_keeps_evidence_from_no_other(
    registry: RegistryThread, folder: Path, image: str
) -> None:
    done = attest(folder, image, "--push", "--output=/dev/full")
    assert done.exit_code == 3
    assert "pushed: " in done.stderr
    assert "evidence-gate: not written: /dev/full: No space left on device\n" in done.stderr
    assert len(referrers(registry, image)) == 1


def test_a_drawing_that_cannot_be_written_keeps_evidence_from_nowhere(
    registry: RegistryThread, folder: Path, image: str
) -> None:
    file = folder / "evidence.json"
    done = attest(folder, image, "--push", f"--output={file}", "--flamegraph=/dev/full")
    assert done.exit_code == 3
    assert "pushed: " in done.stderr
    assert f"written: {file}\n" in done.stderr
    assert "evidence-gate: not drawn: /dev/full: No space left on device\n" in done.stderr
    assert len(referrers(registry, image)) == 1


@pytest.mark.parametrize("problem", ["No space left on device", "Broken pipe"])
def test_standard_output_that_fails_keeps_evidence_from_no_other(
    problem: str, registry: RegistryThread, folder: Path, image: str
) -> None:
    read, write = os.pipe()
    os.close(read)
    options = [f"--image={image}", "--environment=staging", f"--profile={folder / 'cart.folded'}", "--push"]
    options += ["--observed-until=2026-11-24T06:36:35Z", f"--key={folder / 'key.pem'}", "--output=-"]
    with os.fdopen(write, "wb") as pipe, Path("/dev/full").open("wb") as full:
        target = pipe if problem == "Broken pipe" else full
        command = [GATE, "attest", *options]
        done = subprocess.run(command, stdout=target, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    pushed, told = done.stderr.splitlines()
    assert pushed.startswith("pushed: ")
    assert told == f"evidence-gate: not written: standard output: {problem}"
    assert len(referrers(registry, image)) == 1


def test_both_failures_are_told(folder: Path, image: str) -> None:
    nowhere = folder / "kubeconfig"
    nowhere.write_text("{}")
    absent = f"{image.partition('@')[0]}@{ABSENT}"
    done = attest(folder, absent, "--push", "--apply", f"--kubeconfig={nowhere}")
    assert done.exit_code == 3
    assert re.search(r"not pushed: .*; not applied: ", done.stderr)


USAGE: dict[str, tuple[list[str], str]] = {
    "no place": ([], "Name where the evidence goes: --output, --push or --apply"),
    "layout without push": (["--output=-", "--layout=cosign"], "--layout: it is for --push"),
    "insecure without push": (["--output=-", "--registry-insecure"], "--registry-insecure: it is for --push"),
    "another layout": (["--push", "--layout=oras"], "'oras' is not one of 'referrer', 'cosign'"),
    "keyless under the tag": (
        ["--push", "--layout=cosign", "--keyless"],
        "evidence that is signed without a key is a Sigstore bundle, which only `referrer` can hold",
    ),
    "no cluster": (["--apply"], "name the cluster by --kubeconfig; only a pod knows its own"),
}


@pytest.mark.parametrize("mistake", USAGE)
def test_what_makes_no_sense_is_a_usage_error_before_anything_is_signed(
    folder: Path, image: str, mistake: str
) -> None:
    options, sentence = USAGE[mistake]
    done = attest(folder, image, *options)
    assert done.exit_code == 2
    assert sentence in done.stderr.replace("\n", " ")
    assert done.stdout == ""


def test_a_docker_configuration_that_cannot_be_used_is_found_before_anything_is_signed(
    registry: RegistryThread, folder: Path, image: str
) -> None:
    (folder / "config.json").write_text('{"auths": {"127.0.0.1": {"auth": "secret-but-no-base64"}}}')
    done = attest(folder, image, "--push", f"--output={folder / 'evidence.json'}")
    assert done.exit_code == 2
    assert "config.json" in done.stderr
    assert "secret-but-no-base64" not in done.output
    assert not (folder / "evidence.json").exists()
    assert not referrers(registry, image)


def test_a_helper_that_is_missing_for_another_registry_is_no_matter(
    registry: RegistryThread, folder: Path, image: str
) -> None:
    (folder / "config.json").write_text('{"credHelpers": {"gcr.io": "absent"}}')
    assert attest(folder, image, "--push").exit_code == 0
    assert len(referrers(registry, image)) == 1


def test_https_is_spoken_where_it_is_asked_for(folder: Path, image: str) -> None:
    done = attest(folder, image, "--push", "--registry-secure")
    assert done.exit_code == 3
    assert re.search(r"not pushed: registry 127\.0\.0\.1:\d+ does not speak TLS as it should", done.stderr)


SCHEMES: dict[str, tuple[str, bool | None, str]] = {
    "elsewhere": ("registry.example.com", None, "https"),
    "elsewhere, insecure": ("registry.example.com:5000", True, "http"),
    "here": ("localhost:5000", None, "http"),
    "here, secure": ("127.0.0.1:5000", False, "https"),
}


@pytest.mark.parametrize("case", SCHEMES)
@pytest.mark.usefixtures("folder")
def test_plain_http_is_spoken_with_this_machine_alone_unless_told(case: str) -> None:
    host, insecure, scheme = SCHEMES[case]
    options: PublishOptions = {"push": True, "layout": None, "registry_insecure": insecure, "apply": False}
    made = publisher(options, ImageReference.parse(f"{host}/shop/cart@{ABSENT}"))
    assert made._writer._request(Repository(host, "shop/cart"), "manifest", "manifests/1", 1).url.scheme == scheme
