"""Real registries on loopback ports: one with the referrers API of OCI 1.1, and one without."""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme

from tests.harness.oci import Pusher, connect
from tests.harness.oras import OPEN
from tests.harness.polling import NeverHappenedError, poll
from tests.harness.process import Program, free_ports
from tests.tools.build import program

LOGIN = ("robot", "correct horse")
LOGIN_BASE64 = base64.b64encode(":".join(LOGIN).encode()).decode()
_READY_SECONDS = 20.0


def registry_settings(
    host: str, way: Mapping[str, Any], paths: Sequence[str], more: Mapping[str, Any]
) -> dict[str, Any]:
    """Gives a section `stores.registry` that allows a registry although it lies on a loopback address.

    Args:
        host: Its host and port.
        way: What `hosts` says about how it is reached.
        paths: Patterns of its repositories; empty for all.
        more: Further members of the section.

    Returns:
        The section.
    """
    hosts = {host: {**way, "addresses": ["127.0.0.0/8"]}}
    return {"allow": [f"{host}/{path}" for path in paths or ("*",)], "hosts": hosts, **more}


class Registry:
    """A registry's process; a context manager.

    Attributes:
        folder: Its log, and what distribution stores.
        host: Its host and port, as an image reference has them.
        referrers: Whether it has the referrers API: go-containerregistry's has (and forgets everything when it
            ends), distribution has not.
        ca_file: Who signed its certificate, if it has one.
        program: The running process.
    """

    program: Program

    def __init__(self, folder: Path, *, referrers: bool, private: bool = False) -> None:
        """Chooses a port, and makes a certificate where one is needed.

        Args:
            folder: An empty folder.
            referrers: See the attribute.
            private: Whether it speaks https and lets nobody in but `LOGIN`; only with the referrers API. Otherwise it
                speaks plain HTTP with everybody.
        """
        self.folder = folder
        self.referrers = referrers
        self.host = f"127.0.0.1:{free_ports(1)[0]}"
        self.ca_file = folder / "ca.pem"
        self._tls: ssl.SSLContext | None = None
        if private:
            authority = trustme.CA(organization_name="test-registry")
            authority.cert_pem.write_to_path(str(self.ca_file))
            authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "tls.pem"))
            self._tls = ssl.create_default_context(cafile=self.ca_file)

    def __enter__(self) -> Self:
        """Starts the process and waits until it answers."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills the process."""
        self.stop()

    def start(self) -> None:
        """Starts the process on its port, and waits until it answers."""
        self.program = Program(self._command(), self.folder / "registry.log", {"OTEL_TRACES_EXPORTER": "none"})
        try:
            poll(self._answers, _READY_SECONDS, "the registry answers")
        except NeverHappenedError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.program.tail()}") from None

    def stop(self) -> None:
        """Kills the process."""
        self.program.kill()

    def repository(self, path: str) -> Pusher:
        """Gives somebody who pushes to a repository.

        Args:
            path: The repository's path.

        Returns:
            The pusher, logged in.
        """
        headers = {"Authorization": f"Basic {LOGIN_BASE64}"} if self._tls else None
        return Pusher(self.host, path, headers, self._tls)

    def settings(self, *paths: str, **more: Any) -> dict[str, Any]:
        """Gives a section `stores.registry` that allows this registry.

        Args:
            paths: Patterns of repositories; by default all.
            more: Further members of the section.

        Returns:
            The section.
        """
        way = {"caFile": str(self.ca_file)} if self._tls else {"insecure": True}
        return registry_settings(self.host, way, paths, more)

    def oras_flags(self) -> Sequence[str]:
        """Gives the flags by which oras reaches the registry.

        Returns:
            The flags, with the login if there is one.
        """
        if self._tls is None:
            return OPEN
        return (f"--ca-file={self.ca_file}", f"--username={LOGIN[0]}", f"--password={LOGIN[1]}")

    def docker_config(self) -> str:
        """Gives a Docker configuration, as `docker login` writes it and as pull secrets hold it.

        Returns:
            JSON.
        """
        return json.dumps({"auths": {self.host: {"auth": LOGIN_BASE64}}})

    def requests(self) -> list[str]:
        """Lists what was asked of the registry; only with the referrers API, whose program logs it.

        Returns:
            Method and path of each request, in order.
        """
        lines = [line.split(maxsplit=3) for line in self.program.log.read_text().splitlines()]
        return [f"{line[2]} {line[3].split()[0]}" for line in lines if len(line) > 3 and line[2].isupper()]

    def _command(self) -> Sequence[str | Path]:
        if self.referrers:
            return [program("referrers-registry"), f"-listen={self.host}", *self._lock()]
        configuration = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "content")}, "delete": {"enabled": True}},
            "http": {"addr": self.host, "secret": "any"},
        }
        path = self.folder / "registry.yaml"
        path.write_text(json.dumps(configuration))
        return [program("registry"), "serve", path]

    def _lock(self) -> Sequence[str]:
        if self._tls is None:
            return ()
        pem = self.folder / "tls.pem"
        return (f"-tls-cert={pem}", f"-tls-key={pem}", f"-username={LOGIN[0]}", f"-password={LOGIN[1]}")

    def _answers(self) -> bool:
        code = self.program.exit_code
        if code is not None:
            raise AssertionError(f"the registry ended with {code}\n{self.program.tail()}")
        connection = connect(self.host, self._tls)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in {http.client.OK, http.client.UNAUTHORIZED}
        except OSError:
            return False
        finally:
            connection.close()
