"""`evidence-gate evidence` with evidence in a registry: by a configuration, and without one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.listing import STAGING, STRANGER, document, listed, run, site, table
from tests.cli.reviewing import configure
from tests.simulators.access import Access
from tests.simulators.api_server import status
from tests.simulators.registry import digest_of
from tests.simulators.registry_thread import RegistryThread
from tests.simulators.sigstore import Sigstore
from tests.stores.registry.simulated import Authority
from tests.support.envelopes import dump, envelope
from tests.support.keys import Signer
from tests.support.statements import predicate, statement

GATE = str(Path(sys.executable).with_name("evidence-gate"))
CART = "shop/cart"


@pytest.fixture
def registry() -> Iterator[RegistryThread]:
    with RegistryThread(referrers=True) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, registry: RegistryThread, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    prepared = site(tmp_path, {})
    configure(prepared, {"registry": registry.settings()}, TagPolicy="Resolve")
    return prepared


def evidence(digest: str, signer: Signer = STAGING, **changes: int) -> bytes:
    return dump(envelope(statement(subjects=[digest], predicate=predicate(**changes)), [signer]))


def attested(registry: RegistryThread, *signers: Signer) -> str:
    """Puts an image there with a statement of each signer, and gives its digest."""
    digest = registry.simulator.add_manifest(CART, {"note": "1.0"}, "1.0")
    for signer in signers:
        registry.simulator.attach(CART, digest, evidence(digest, signer))
    return digest


def key(folder: Path) -> list[str]:
    return ["--key", str(folder / "staging.pub")]


def test_what_lies_beside_an_image_is_listed(folder: Path, registry: RegistryThread) -> None:
    digest = attested(registry, STAGING, STRANGER)
    result = listed(folder, image=f"{registry.host}/{CART}@{digest}")
    assert result.exit_code == 0
    good, bad = table(result)
    assert (good["RESULT"], good["SIGNED BY"], bad["RESULT"]) == ("counts", "staging", "EvidenceUntrusted")
    assert good["WHERE"].startswith(f"registry:{registry.host}/{CART}@sha256:")
    assert len(good["WHERE"].rpartition(":")[2]) == 12


def test_without_a_configuration_the_images_own_registry_and_the_given_keys_count(
    folder: Path, registry: RegistryThread
) -> None:
    digest = attested(registry, STAGING, STRANGER)
    result = run("list", f"{registry.host}/{CART}@{digest}", *key(folder))
    assert result.exit_code == 0
    good, bad = table(result)
    assert (good["RESULT"], good["SIGNED BY"]) == ("verified", "staging.pub")
    assert (bad["RESULT"], bad["SIGNED BY"]) == ("EvidenceUntrusted", "-")
    assert "production" not in result.stdout


def test_without_a_configuration_neither_age_nor_counts_are_judged(folder: Path, registry: RegistryThread) -> None:
    digest = registry.simulator.add_manifest(CART, {"note": "1.0"}, "1.0")
    registry.simulator.attach(CART, digest, evidence(digest, hotSymbolCount=0))
    (entry,) = document(run("list", f"{registry.host}/{CART}@{digest}", *key(folder), "-o", "json"))["statements"]
    assert (entry["counts"], entry["hotSymbolCount"]) == (True, 0)
    assert "reason" not in entry


@pytest.mark.parametrize("identity", ["robot@example.com", "stranger@example.com"])
def test_an_identity_may_be_believed_instead_of_a_key(identity: str, folder: Path, registry: RegistryThread) -> None:
    sigstore = Sigstore()
    (folder / "trusted_root.json").write_bytes(dump(sigstore.trusted_root()))
    digest = attested(registry)
    registry.simulator.attach(CART, digest, dump(sigstore.bundle(statement(subjects=[digest]))))
    options = {
        "certificate-identity": identity,
        "certificate-oidc-issuer": "https://issuer.example.com",
        "trusted-root": str(folder / "trusted_root.json"),
    }
    image = f"{registry.host}/{CART}@{digest}"
    result = run("list", image, *(f"--{name}={value}" for name, value in options.items()))
    (row,) = table(result)
    robot = identity == "robot@example.com"
    assert (result.exit_code, row["RESULT"]) == ((0, "verified") if robot else (1, "EvidenceUntrusted"))
    assert row["SIGNED BY"] == (identity if robot else "-")
    assert '"hotSymbolCount": 42' in run("show", image, *key(folder)).stdout


def test_a_tag_is_resolved_and_its_digest_shown(folder: Path, registry: RegistryThread) -> None:
    digest = attested(registry, STAGING)
    image = f"{registry.host}/{CART}:1.0"
    for whom in (["--config", str(folder / "gate.json")], key(folder)):
        result = run("list", image, *whom)
        assert result.exit_code == 0
        assert result.stdout.splitlines()[0] == f"image: {registry.host}/{CART}@{digest} (tag 1.0)"
        found = document(run("list", image, *whom, "-o", "json"))
        assert (found["digest"], found["tag"]) == (digest, "1.0")


def test_no_tag_means_latest(folder: Path, registry: RegistryThread) -> None:
    digest = attested(registry, STAGING)
    registry.simulator.tags[CART, "latest"] = digest
    assert listed(folder, image=f"{registry.host}/{CART}").exit_code == 0


def test_the_gate_is_asked_about_the_image_as_it_was_named(folder: Path, registry: RegistryThread) -> None:
    attested(registry, STAGING)
    configure(folder, {"registry": registry.settings()})
    found = document(listed(folder, "-o", "json", image=f"{registry.host}/{CART}:1.0"))
    assert [verdict["reasons"] for verdict in found["verdicts"]] == [["ImageNotPinned"]]


@pytest.mark.parametrize(("signer", "worth"), [(STAGING, "counts"), (STRANGER, "EvidenceUntrusted")])
def test_a_tag_that_the_gate_does_not_look_up_is_named_as_the_cause_whatever_lies_there(
    signer: Signer, worth: str, folder: Path, registry: RegistryThread
) -> None:
    attested(registry, signer)
    configure(folder, {"registry": registry.settings()})
    result = listed(folder, image=f"{registry.host}/{CART}:1.0")
    assert table(result)[0]["RESULT"] == worth
    assert result.stdout.splitlines()[-2:] == [
        "production: Fail: No execution evidence found for this artifact in required environment (ImageNotPinned)",
        "next: name the image by digest: `image: REPOSITORY@sha256:…`",
    ]


def test_a_tag_that_leads_nowhere_exits_with_1(folder: Path, registry: RegistryThread) -> None:
    for result in (
        listed(folder, image=f"{registry.host}/{CART}:2.0"),
        run("list", f"{registry.host}/{CART}:2.0", *key(folder)),
    ):
        assert (result.exit_code, result.stdout) == (1, "")
        assert "the registry has no such tag" in result.stderr


def test_a_tag_that_cannot_be_resolved_exits_with_3(folder: Path, registry: RegistryThread) -> None:
    attested(registry, STAGING)
    registry.simulator.faults["manifest"].append(status(403))
    result = listed(folder, image=f"{registry.host}/{CART}:1.0")
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"registry {registry.host} denies access to the repository (403)" in result.stderr


def test_a_registry_that_refuses_is_a_row_beside_what_was_found(folder: Path, registry: RegistryThread) -> None:
    digest = registry.simulator.add_manifest(CART, {"note": "1.0"})
    layer = registry.simulator.add_blob(CART, evidence(digest))
    tagged = {"schemaVersion": 2, "config": registry.simulator.add_blob(CART, b"{}"), "layers": [layer]}
    registry.simulator.add_manifest(CART, tagged, f"{digest.replace(':', '-')}.att")
    registry.simulator.faults["referrers"].append(status(403))
    result = run("list", f"{registry.host}/{CART}@{digest}", *key(folder))
    assert result.exit_code == 3
    good, gap = table(result)
    assert (good["RESULT"], gap["RESULT"], gap["WHERE"]) == ("verified", "EvidenceUnavailable", "registry")
    assert gap["DETAIL"] == f"registry {registry.host} denies access to the repository (403)"


def test_what_is_called_evidence_and_is_none_is_listed(folder: Path, registry: RegistryThread) -> None:
    digest = registry.simulator.add_manifest(CART, {"note": "1.0"})
    layer = registry.simulator.add_blob(CART, b"\x1b[2J{", "application/vnd.dsse.envelope.v1+json")
    manifest = {"schemaVersion": 2, "config": registry.simulator.add_blob(CART, b"{}"), "layers": [layer]}
    registry.simulator.add_manifest(CART, manifest, f"{digest.replace(':', '-')}.att")
    image = f"{registry.host}/{CART}@{digest}"
    (row,) = table(run("list", image, *key(folder)))
    assert (row["RESULT"], row["DETAIL"]) == ("EvidenceMalformed", "the envelope is not JSON")
    page = run("show", image, *key(folder))
    assert page.exit_code == 1
    assert "  content:   5 bytes that hold no statement\n" in page.stdout
    (entry,) = document(run("show", image, *key(folder), "-o", "json"))["statements"]
    assert entry["bytes"] == 5
    assert not {"statement", "unverifiedStatement"} & set(entry)


@pytest.mark.parametrize(("signers", "begins"), [([], "no statement about this digest; "), ([STAGING], "")])
def test_what_is_odd_is_told_and_never_as_if_there_were_nothing(
    signers: list[Signer], begins: str, folder: Path, registry: RegistryThread
) -> None:
    digest = attested(registry, *signers)
    registry.simulator.attach(CART, digest, lost := evidence(digest, STRANGER))
    del registry.simulator.blobs[CART, digest_of(lost)]
    result = run("list", f"{registry.host}/{CART}@{digest}", *key(folder))
    assert result.exit_code == (0 if signers else 1)
    odd = f"registry {registry.host} lacks a part of what is attached to this image"
    assert f"note: registry: {begins}{odd}" in result.stdout.splitlines()


def test_evidence_about_a_platform_says_which(folder: Path, registry: RegistryThread) -> None:
    child = registry.simulator.add_manifest(CART, {"note": "amd64"})
    size = len(registry.simulator.manifests[CART, child][1])
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": child, "size": size}
    kind = "application/vnd.oci.image.index.v1+json"
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": [entry | platform]}
    digest = registry.simulator.add_manifest(CART, index)
    registry.simulator.attach(CART, child, evidence(child))
    configure(folder, {"registry": registry.settings(platforms="any")})
    image = f"{registry.host}/{CART}@{digest}"
    result = listed(folder, image=image)
    assert result.exit_code == 0
    assert table(result)[0]["WHERE"].endswith(" (linux/amd64)")
    assert document(listed(folder, "-o", "json", image=image))["statements"][0]["platform"] == "linux/amd64"
    assert "  platform:  linux/amd64\n" in listed(folder, command="show", image=image).stdout


def test_an_image_outside_the_allow_list_is_not_asked_for_and_that_is_said(
    folder: Path, registry: RegistryThread
) -> None:
    configure(folder, {"registry": registry.settings("other/*")})
    result = listed(folder, image=f"{registry.host}/{CART}@sha256:{'0' * 64}")
    assert result.exit_code == 1
    note = f"note: registry: {registry.host}/{CART} is not in stores.registry.allow, so it is not asked"
    assert note in result.stdout.splitlines()
    step = "next: add the repository to `stores.registry.allow`, so that its evidence is looked for"
    assert result.stdout.splitlines()[-1] == step
    assert registry.simulator.seen == []


def test_the_users_docker_configuration_is_used(folder: Path, registry: RegistryThread) -> None:
    digest = attested(registry, STAGING)
    image = f"{registry.host}/{CART}@{digest}"
    (folder / "config.json").write_text("no JSON")
    result = run("list", image, *key(folder))
    assert result.exit_code == 2
    assert f"Docker's configuration (DOCKER_CONFIG) '{folder}/config.json': " in result.stderr
    assert "stores.registry" not in result.stderr
    (folder / "config.json").write_text(json.dumps({"auths": {}}))
    assert run("list", image, *key(folder)).exit_code == 0


def test_who_has_never_logged_in_is_told_how_and_where_was_looked(folder: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    access = Access({"ann": "s3cret"}, bearer=False)
    with RegistryThread(referrers=True, tls=authority.server(), access=access) as guarded:
        trusted = {"SSL_CERT_FILE": str(authority.ca_file)}
        command = [GATE, "evidence", "list", f"{guarded.host}/{CART}:1.0", *key(folder), "--registry-secure"]
        done = subprocess.run(command, env=os.environ | trusted, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    clause = "asks for credentials (401), and there is none that it would take"
    step = f"run `docker login {guarded.host}`; looked in {folder}/config.json"
    assert done.stderr == f"registry {guarded.host} {clause}: {step}\n"


def test_a_registry_on_this_machine_that_wants_https_can_be_asked_so(folder: Path, registry: RegistryThread) -> None:
    attested(registry, STAGING)
    image = f"{registry.host}/{CART}:1.0"
    registry.simulator.faults["manifest"].append(status(400))
    result = run("list", image, *key(folder))
    assert result.exit_code == 3
    said = f"registry {registry.host} gave an answer that no registry gives (400), asked over plain http"
    assert f"{said}: give --registry-secure if it speaks https" in result.stderr
    result = run("list", image, *key(folder), "--registry-secure")
    assert result.exit_code == 3
    assert f"registry {registry.host} does not speak TLS as it should" in result.stderr
    assert run("list", image, *key(folder), "--registry-insecure").exit_code == 0


@pytest.mark.parametrize("option", ["--registry-secure", "--registry-insecure"])
def test_how_a_configured_registry_is_asked_is_not_said_on_the_command_line(option: str, folder: Path) -> None:
    result = listed(folder, option)
    assert result.exit_code == 2
    assert "go without --config" in result.stderr


def test_authorities_that_cannot_be_read_are_a_usage_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "absent.pem"))
    result = run("list", f"registry.example.com/{CART}:1.0", *key(folder))
    assert result.exit_code == 2
    assert f"SSL_CERT_FILE '{folder}/absent.pem': cannot be read: No such file or directory" in result.stderr
