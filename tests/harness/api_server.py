"""An API server as its administrator has it: kubectl, and a look at whether it is ready."""

import http.client
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.tools.build import program

_KUBECTL_SECONDS = 60.0


class ApiServer:
    """An API server that somebody runs.

    Attributes:
        folder: A temporary folder.
        url: The API server's URL.
        ca_pem: The certificate of the authority that signed the API server's.
        kubeconfig: For a user of the group `system:masters`, called `admin`.
        audit_log: JSON lines of requests, level Metadata.
        tls: The same user's side of TLS, for clients of one's own.
    """

    folder: Path
    url: str
    ca_pem: bytes
    kubeconfig: Path
    audit_log: Path
    tls: ssl.SSLContext

    def kubectl(
        self, *args: str, stdin: str | None = None, check: bool = True, seconds: float = _KUBECTL_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Runs the real kubectl as `admin`, unless `args` name another kubeconfig.

        Args:
            args: Its arguments.
            stdin: What it reads for `-f -`.
            check: Whether a failure is the test's failure.
            seconds: How long it may take.

        Returns:
            What it printed.

        Raises:
            subprocess.CalledProcessError: It failed; a note holds what it said.
        """
        command = [self._kubectl, "--cache-dir", str(self.folder / "kubectl-cache"), *args]
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=seconds,
            # HOME: no kuberc of the person who runs the tests.
            env={"HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig)},
        )
        if check and result.returncode:
            error = subprocess.CalledProcessError(result.returncode, ["kubectl", *args], result.stdout, result.stderr)
            error.add_note(result.stderr)
            raise error
        return result

    def is_ready(self) -> bool:
        """Tells whether it says so."""
        address = urlsplit(self.url)
        connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=5, context=self.tls)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def audit_events(self, **wanted: str) -> list[dict[str, Any]]:
        """Reads the audit log.

        Args:
            wanted: Values that an event must have: `verb`, or any member of its `objectRef` (`resource`,
                `namespace`, `name`).

        Returns:
            The finished events that have them, in the order of the log.
        """
        # The last line may be half written.
        lines = [line for line in self.audit_log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [event for event in events if wanted.items() <= _facts(event).items()]

    def _log_in(self, ca_file: Path, identity: Path) -> None:
        """Makes the administrator's side of TLS."""
        self.ca_pem = ca_file.read_bytes()
        self.tls = ssl.create_default_context(cafile=ca_file)
        self.tls.load_cert_chain(identity)
        self._kubectl = str(program("kubectl"))


def _facts(event: dict[str, Any]) -> dict[str, Any]:
    return {"verb": event["verb"], **event.get("objectRef", {})}
