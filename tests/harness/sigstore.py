"""A whole Sigstore on loopback ports: the real Fulcio, log of certificates, Rekor and timestamp authority."""

import http.client
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from cryptography import x509

from tests.harness.polling import NeverHappenedError, poll
from tests.harness.process import Program, free_ports
from tests.harness.sigstore_keys import SigstoreKeys
from tests.harness.sigstore_trust import SigstoreAddresses, client_trust_config, signing_config, trusted_root
from tests.simulators.oidc_issuer import OidcIssuer
from tests.tools.build import program

_READY_SECONDS = 60.0
_CT_LOG_ORIGIN = "ct-log.test"
_REKOR_ORIGIN = "127.0.0.1"  # cosign takes the host of the log's address for it.
_CHAIN_PATH = "/api/v1/timestamp/certchain"


class LocalSigstore:
    """The services and an issuer of identities; a context manager that leaves nothing behind.

    Attributes:
        folder: Holds everything; gone afterwards.
        issuer: Gives identity tokens that Fulcio takes.
        trusted_root: A file: by what the services are known. What verifies needs nothing else.
        signing_config: A file: where the services are, for cosign.
        trust_config: A file: both, for sigstore-python.
    """

    def __init__(self, issuers: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Remembers how to start.

        Args:
            issuers: Further issuers that Fulcio trusts, as its configuration's `oidc-issuers`.
        """
        self._issuers = dict(issuers or {})
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """Starts everything and waits until it is ready; a failure shows the end of the program's output.

        Raises:
            ToolsError: A program has not been built. Nothing may be skipped for want of it.
        """
        with ExitStack() as stack:
            temporary = tempfile.TemporaryDirectory(prefix="sigstore-", ignore_cleanup_errors=True)
            self.folder = Path(stack.enter_context(temporary))
            self.issuer = stack.enter_context(OidcIssuer())
            self._keys = SigstoreKeys.make(self.folder)
            self._start_services(stack)
            self._write_documents()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills the services and removes the folder."""
        self._cleanup.close()

    def _start_services(self, stack: ExitStack) -> None:
        fulcio, fulcio_grpc, fulcio_metrics, rekor, rekor_grpc, rekor_metrics, tsa, ct_log = free_ports(8)
        self.addresses = SigstoreAddresses(
            fulcio=_loopback(fulcio),
            rekor=_loopback(rekor),
            tsa=_loopback(tsa),
            ct_log=_loopback(ct_log),
            issuer=self.issuer.name(),
        )
        started = [
            (self._ct_log(ct_log), f"{self.addresses.ct_log}/ct/v1/get-roots"),
            (self._fulcio(fulcio, fulcio_grpc, fulcio_metrics), f"{self.addresses.fulcio}/healthz"),
            (self._rekor(rekor, rekor_grpc, rekor_metrics), f"{self.addresses.rekor}/healthz"),
            (self._start("timestamp-server", {"port": tsa}), f"{self.addresses.tsa}{_CHAIN_PATH}"),
        ]
        for running, _ in started:
            stack.callback(running.kill)
        for running, url in started:
            _wait(running, url)

    def _ct_log(self, port: int) -> Program:
        flags = {
            "http_endpoint": f"127.0.0.1:{port}",
            "origin": _CT_LOG_ORIGIN,
            "storage_dir": self.folder / "ct-log",
            "private_key": self._keys.ct_log_file,
            "roots_pem_file": self._keys.root_file,
            "ext_key_usages": "CodeSigning",
            # Fulcio would wait for the log's next checkpoint, for each certificate.
            "enable_publication_awaiter": "false",
            "batch_max_age": "10ms",
        }
        return self._start("tesseract", flags)

    def _fulcio(self, port: int, grpc_port: int, metrics_port: int) -> Program:
        flags = {
            "host": "127.0.0.1",
            "port": port,
            "grpc-host": "127.0.0.1",
            "grpc-port": grpc_port,
            "metrics-port": metrics_port,
            "legacy-unix-domain-socket": self.folder / "fulcio.sock",
            "ca": "fileca",
            "fileca-cert": self._keys.chain_file,
            "fileca-key": self._keys.key_file,
            "fileca-key-passwd": "none",  # The key is not encrypted, and an empty password is refused.
            "ct-log-url": self.addresses.ct_log,
            "ct-log-origin": _CT_LOG_ORIGIN,
            "config-path": self._fulcio_configuration(),
        }
        return self._start("fulcio", flags, "serve")

    def _rekor(self, port: int, grpc_port: int, metrics_port: int) -> Program:
        flags = {
            "http-port": port,
            "grpc-port": grpc_port,
            "http-metrics-port": metrics_port,
            "hostname": _REKOR_ORIGIN,
            "storage-dir": self.folder / "rekor",
            "signer-filepath": self._keys.rekor_file,
            "batch-max-age": "10ms",
            "checkpoint-interval": "100ms",  # An answer waits for a checkpoint, by default for ten seconds.
        }
        return self._start("rekor-server", flags, "serve")

    def _fulcio_configuration(self) -> Path:
        """Trusts our issuers, and writes the same into certificates about jobs as the public Fulcio does."""
        public = yaml.safe_load(program("config.yaml").read_bytes())
        jobs = {
            self.issuer.name("github"): {"type": "ci-provider", "ci-provider": "github-workflow"},
            self.issuer.name("gitlab"): {"type": "ci-provider", "ci-provider": "gitlab-pipeline"},
        }
        issuers = {self.issuer.name(): {"type": "email"}, **jobs, **self._issuers}
        known = {url: {"issuer-url": url, "client-id": "sigstore", **facts} for url, facts in issuers.items()}
        content = {"oidc-issuers": known, "ci-issuer-metadata": public["ci-issuer-metadata"]}
        path = self.folder / "fulcio.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    def _write_documents(self) -> None:
        keys = self._keys
        tsa_chain = x509.load_pem_x509_certificates(_get(f"{self.addresses.tsa}{_CHAIN_PATH}")[1])
        rekor = (_REKOR_ORIGIN, keys.rekor.public_key())
        root = trusted_root(self.addresses, keys.chain, keys.ct_log.public_key(), rekor, tsa_chain)
        services = signing_config(self.addresses)
        self.trusted_root = self._write("trusted_root.json", root)
        self.signing_config = self._write("signing_config.json", services)
        self.trust_config = self._write("trust_config.json", client_trust_config(root, services))

    def _write(self, name: str, content: Mapping[str, Any]) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(content, indent=2) + "\n")
        return path

    def _start(self, name: str, flags: Mapping[str, object], *command: str) -> Program:
        arguments = [f"--{flag}={value}" for flag, value in flags.items()]
        home = {"HOME": str(self.folder)}  # No settings of the person who runs the tests.
        return Program([program(name), *command, *arguments], self.folder / f"{name}.log", home)


def _loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _wait(running: Program, url: str) -> None:
    def answers() -> bool:
        if running.exit_code is not None:
            raise AssertionError(f"{running.name} ended with {running.exit_code}\n{running.tail()}")
        return _get(url)[0] == http.client.OK

    try:
        poll(answers, _READY_SECONDS, f"{running.name} answers")
    except NeverHappenedError as error:
        raise AssertionError(f"{error}\n{running.tail()}") from None


def _get(url: str) -> tuple[int, bytes]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request("GET", address.path)
        response = connection.getresponse()
        return response.status, response.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()
