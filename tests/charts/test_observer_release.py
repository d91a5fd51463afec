"""The release's own observer attests with the release's own rights and files, and leaves nothing but its evidence."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.attest.keys import private_pem, public_pem
from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.charts.leftovers import present
from tests.charts.observing import NAME, OWN_FILES
from tests.charts.processes import kubeconfig_of, read
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.integration.soak import Soak, lines
from tests.simulators.profile_server import ProfileServerSimulator

SECONDS = 60.0
KEY = "observer-key"


class Released:
    """A release with an observer, whose job runs as a process here."""

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        self.control_plane = control_plane
        self._folder = folder

    def observe(self, *flags: str) -> subprocess.CompletedProcess[str]:
        """Runs what the CronJob would, with its files and the rights of its account."""
        spec = read(self.control_plane, "cronjob", NAME)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        own = self._folder / "own"
        own.mkdir(exist_ok=True)
        for volume in spec["volumes"]:
            place = own if volume["name"] == "observer" else self._folder
            self._lay_out(volume["projected"]["sources"], place)
        account = kubeconfig_of(self.control_plane, spec["serviceAccountName"], self._folder)
        arguments = [
            part.replace("/etc/evidence-gate/", f"{self._folder}/") for part in spec["containers"][0]["args"]
        ]
        program = str(Path(sys.executable).with_name("evidence-gate"))
        command = [program, *arguments, f"--kubeconfig={account}", *flags]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)

    def _lay_out(self, sources: Sequence[dict[str, Any]], place: Path) -> None:
        for source in sources:
            if "configMap" in source:
                for name, content in read(self.control_plane, "configmap", source["configMap"]["name"])[
                    "data"
                ].items():
                    (place / name).write_text(content.replace(OWN_FILES, str(self._folder / "own")))
            elif "secret" in source:
                data = read(self.control_plane, "secret", source["secret"]["name"])["data"]
                for item in source["secret"]["items"]:
                    (place / item["path"]).write_bytes(base64.b64decode(data[item["key"]]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProfileServerSimulator]:
    with ProfileServerSimulator(tmp_path) as running:
        running.token = "a-token"  # noqa: S105 - a simulator's
        yield running


@pytest.fixture
def soak(control_plane: ControlPlane, server: ProfileServerSimulator, tmp_path: Path) -> Soak:
    folder = tmp_path / "soak"
    folder.mkdir()
    return Soak.new(control_plane, server, folder)


@pytest.fixture
def release(control_plane: ControlPlane, cluster_helm: Helm, tmp_path: Path) -> Iterator[Any]:
    folder = tmp_path / "job"
    folder.mkdir()
    with ExitStack() as stack:

        def install(soak: Soak, **observer: Any) -> Released:
            kubectl = control_plane.kubectl
            (folder / "key.pem").write_bytes(private_pem("P-256", owner="observer"))
            files = (f"--from-file=key={folder / 'key.pem'}", "--from-literal=token=a-token")
            kubectl("-n", NAMESPACE, "create", "secret", "generic", KEY, *files)
            stack.callback(kubectl, "-n", NAMESPACE, "delete", "secret", KEY)
            stack.callback(
                cluster_helm.run, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--ignore-not-found"
            )
            cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=values(soak, **observer))
            return Released(control_plane, folder)

        yield install


def values(soak: Soak, **observer: Any) -> dict[str, Any]:
    """A gate that is off, as one is before the first evidence is there."""
    source = {
        "url": soak.server.url,
        "caBundle": soak.server.ca_file.read_text(),
        "tokenSecret": {"name": KEY, "key": "token"},
    }
    chosen = {
        "enabled": True,
        "environments": [soak.environment],
        "source": source,
        "signing": {"keySecret": {"name": KEY, "key": "key"}},
        **observer,
    }
    return {
        "gate": {"requiredEnvironments": [soak.target], "evidenceEnvironments": [soak.environment]},
        "trust": {"keys": [{"name": "observer", "publicKey": public_pem("P-256", owner="observer").decode()}]},
        "observer": chosen,
    }


def test_the_release_attests_what_runs_and_uninstall_leaves_the_evidence_alone(
    soak: Soak, release: Any, control_plane: ControlPlane, cluster_helm: Helm
) -> None:
    soak.pod("cart-0", image_of("released"), image_of("released"))
    soak.profile("cart-0")
    released = release(soak)
    for outcome in ("attested", "fresh"):
        answer = released.observe()
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert [line["outcome"] for line in lines(answer)] == [outcome]
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE)
    kept = {"CustomResourceDefinition/executionevidences.stella.ops"}
    poll(lambda: present(control_plane) == kept, SECONDS, "everything else is gone")
    assert len(soak.evidence()) == 1


def test_with_namespaces_named_it_sees_no_other(soak: Soak, release: Any, control_plane: ControlPlane) -> None:
    other = Namespace.new(control_plane, soak.environment)
    soak.pod("cart-0", image_of("unseen"), image_of("unseen"), other)
    soak.pod("cart-0", image_of("seen"), image_of("seen"))
    released = release(soak, namespaces=[soak.namespace.name])
    answer = released.observe()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert [line["image"] for line in lines(answer)] == [image_of("seen")]
    account = f"--as=system:serviceaccount:{NAMESPACE}:{NAME}"
    for namespace, verb, expected in ((soak.namespace, "list", "yes"), (other, "list", "no"), (other, "get", "no")):
        asked = namespace.kubectl("auth", "can-i", verb, "pods", account, check=False).stdout.strip()
        assert asked == expected


FORBIDDEN = [
    ("get", "secrets"),
    ("list", "secrets"),
    ("create", "pods"),
    ("patch", "pods/status"),
    ("patch", "executionevidences.stella.ops"),
    ("delete", "executionevidences.stella.ops"),
    ("patch", "namespaces"),
    ("create", "events.events.k8s.io"),
    ("create", "serviceaccounts/token"),
]


def test_the_account_may_do_nothing_else(soak: Soak, release: Any, control_plane: ControlPlane) -> None:
    release(soak)
    account = f"--as=system:serviceaccount:{NAMESPACE}:{NAME}"
    for verb, resource in FORBIDDEN:
        for flags in (("-n", NAMESPACE), ("-n", soak.namespace.name)):
            asked = control_plane.kubectl(
                *flags, "auth", "can-i", verb, resource, account, check=False
            ).stdout.strip()
            assert asked == "no", (verb, resource)


def test_a_dry_run_writes_nothing(soak: Soak, release: Any) -> None:
    soak.pod("cart-0", image_of("looked at"), image_of("looked at"))
    soak.profile("cart-0")
    answer = release(soak, dryRun=True).observe()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "would attest" in answer.stdout
    assert soak.evidence() == []


def test_the_controller_makes_a_job_s_pod_of_it(soak: Soak, release: Any, control_plane: ControlPlane) -> None:
    release(soak)
    control_plane.kubectl("-n", NAMESPACE, "create", "job", "now", f"--from=cronjob/{NAME}")
    try:

        def pods() -> list[dict[str, Any]]:
            selector = "app.kubernetes.io/component=observer"
            answer = control_plane.kubectl("-n", NAMESPACE, "get", "pods", "-l", selector, "-o", "json").stdout
            found: list[dict[str, Any]] = json.loads(answer)["items"]
            return found

        # That it exists is what the account and Pod Security `restricted` allow.
        [pod] = poll(pods, SECONDS, "the job's pod")
        assert pod["spec"]["serviceAccountName"] == NAME
    finally:
        control_plane.kubectl("-n", NAMESPACE, "delete", "job", "now", "--cascade=foreground")
