"""The webhook as it runs in a cluster: its own process, TLS, a configuration file, a folder of evidence."""

import http.client
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
import yaml

from tests.harness.evidence import Signer, statement
from tests.harness.polling import NeverHappenedError, poll
from tests.harness.process import Program
from tests.support.rules import OPEN

_READY_SECONDS = 20.0
_SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)


class Gate:
    """The webhook's process; a context manager.

    Attributes:
        folder: Its configuration, key, certificate and logs.
        evidence: The folder of its directory store.
        url: Where it listens for reviews.
        ops_url: Where it listens for probes and metrics.
        ca_pem: Who signed its certificate.
        signer: The one whose word its configuration trusts, as `staging`.
        options: Further options of its command line, from the next start on; None for those without a value.
        program: The running process.
    """

    url: str
    ops_url: str
    program: Program

    def __init__(
        self, folder: Path, policy: Mapping[str, Any], kubeconfig: Path | None = None, **sections: Any
    ) -> None:
        """Writes what the process will read.

        Args:
            folder: An empty folder.
            policy: The section `PolicyGates.ExecutionEvidence`; `Enabled` and `Block` unless it says otherwise.
            kubeconfig: With which the process talks to the API server, or None.
            sections: Further sections of the configuration file.
        """
        self.folder = folder
        self.evidence = folder / "evidence"
        self.evidence.mkdir()
        self.signer = Signer.new()
        self.trust(self.signer)
        self._authority = trustme.CA(organization_name="test-webhook")
        self.ca_pem = self._authority.cert_pem.bytes()
        self.issue_certificate()
        self._kubeconfig = kubeconfig
        self._listen = {"listen": "127.0.0.1:0", "ops-listen": "127.0.0.1:0"}
        self._starts = 0
        self.options: dict[str, object] = {}
        self.configuration: dict[str, Any] = {
            "PolicyGates": {"ExecutionEvidence": {"Enabled": True, "MissingEvidenceAction": "Block", **policy}},
            "stores": {"directory": {"path": "evidence"}},
            "trust": {"keys": [{"name": "staging", "file": "staging.pub", "environments": ["staging"]}]},
            "disclosure": OPEN,
            "server": {"drainSeconds": 0},
            **sections,
        }
        self.configure(self.configuration)

    def __enter__(self) -> Self:
        """Starts the process and waits until it is ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills the process."""
        self.program.kill()

    def start(self) -> None:
        """Starts the process, after the first time on the same ports, and waits until it is ready."""
        self._starts += 1
        options: dict[str, object] = {
            "config": self.folder / "config.yaml",
            "tls-cert": self.folder / "tls.crt",
            "tls-key": self.folder / "tls.key",
            **self._listen,
            **self.options,
            **({"kubeconfig": self._kubeconfig} if self._kubeconfig else {}),
        }
        arguments = [f"--{name}" if value is None else f"--{name}={value}" for name, value in options.items()]
        command = Path(sys.executable).with_name("evidence-gate")
        self.program = Program([command, "webhook", *arguments], self.folder / f"gate-{self._starts}.log")
        try:
            addresses = poll(self._addresses, _READY_SECONDS, "it listens")
            self.url, self.ops_url = addresses["address"], addresses["ops_address"]
            poll(lambda: self.probe("/readyz") == http.client.OK, _READY_SECONDS, "it is ready")
        except (NeverHappenedError, EOFError) as error:
            self.program.kill()
            raise AssertionError(f"the webhook did not start: {error}\n{self.program.tail()}") from None
        self._listen = {"listen": self.url.rpartition("/")[2], "ops-listen": self.ops_url.rpartition("/")[2]}

    def configure(self, configuration: Mapping[str, Any]) -> None:
        """Replaces the configuration file, as atomically as the kubelet replaces a mounted ConfigMap.

        Args:
            configuration: The whole file.
        """
        _replace(self.folder / "config.yaml", yaml.safe_dump(dict(configuration)).encode())

    def trust(self, signer: Signer) -> None:
        """Replaces the key file that the configuration trusts.

        Args:
            signer: Whose word counts from now on.
        """
        _replace(self.folder / "staging.pub", signer.public_pem)

    def issue_certificate(self) -> str:
        """Replaces certificate and key by new ones of the same authority.

        Returns:
            The new certificate in PEM.
        """
        leaf = self._authority.issue_cert("127.0.0.1", "localhost")
        _replace(self.folder / "tls.key", leaf.private_key_pem.bytes())
        _replace(self.folder / "tls.crt", b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        return leaf.cert_chain_pems[0].bytes().decode()

    def publish(self, digest: str, signer: Signer | None = None, **predicate: Any) -> Path:
        """Puts signed evidence into the folder.

        Args:
            digest: The image's.
            signer: Who signs; by default the trusted one.
            predicate: Members of the predicate that differ from sufficient ones.

        Returns:
            The file.
        """
        path = self.evidence / f"{digest.removeprefix('sha256:')}.json"
        _replace(path, (signer or self.signer).sign(statement(digest, **predicate)).encode())
        return path

    def log(self, message: str | None = None) -> list[dict[str, Any]]:
        """Reads the structured log of the running process.

        Args:
            message: The lines' `message`; None for all.

        Returns:
            The finished lines that are JSON, in order.
        """
        lines = self.program.log.read_text().splitlines(keepends=True)
        entries = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]
        return [entry for entry in entries if message is None or entry["message"] == message]

    def probe(self, path: str) -> int | None:
        """Asks the ops listener.

        Args:
            path: `/healthz` or `/readyz`.

        Returns:
            The HTTP status, or None if nobody answers.
        """
        try:
            return self._ask(path)[0]
        except OSError:
            return None

    def metric(self, name: str) -> float:
        """Reads a metric.

        Args:
            name: Its name, for example `execution_evidence_gate_reviews_total`.

        Returns:
            The sum over all its labels; 0 if it has no sample yet.
        """
        text = self._ask("/metrics")[1]
        return sum(float(value) for sample, value in _SAMPLE.findall(text) if sample == name)

    def reviews(self) -> float:
        """Counts the reviews that reached it.

        Returns:
            The number since its start.
        """
        return self.metric("execution_evidence_gate_reviews_total")

    def _ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.ops_url.rpartition("/")[2], timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _addresses(self) -> dict[str, Any] | None:
        code = self.program.exit_code
        if code is not None:
            raise EOFError(f"it ended with {code}")
        return next(iter(self.log("listening")), None)


def _replace(path: Path, content: bytes) -> None:
    # The dot keeps a half-written file out of the directory store's sight.
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.rename(path)
