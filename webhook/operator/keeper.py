"""Keeps two Secrets and the webhook configuration's caBundle as `rotation` wants them.

The Secret `NAME` (kubernetes.io/tls) is what the webhook's pods mount: `tls.crt`, `tls.key`, and the bundle as
`ca.crt`. The Secret `NAME-ca` holds the authority: `ca.crt`, `ca.key`, and the bundle as `bundle.crt`. The
authority's key is thus never mounted anywhere.
"""

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from webhook.kube.api_errors import ApiStatusError
from webhook.kube.client import KubeClient
from webhook.operator.certificates import Lifetimes, read_bundle, read_pair, write_bundle
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.rotation import State, Step, carry_out, plan

ENTRY_SUFFIX = ".execution-evidence.stella.ops"
"""The end of the names of our entries in a webhook configuration; all others are left alone."""

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"

_OBJECT_BYTES = 4 * 1024 * 1024
_TRIES = 5
_NOT_FOUND = 404
_CONFLICT = 409

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Names:
    """What the operator looks after.

    Attributes:
        namespace: Where Secrets and Service are.
        service: The webhook's Service; its DNS names are the leaf's.
        secret: The Secret that the webhook's pods mount.
        configuration: The ValidatingWebhookConfiguration.
    """

    namespace: str
    service: str
    secret: str
    configuration: str

    @property
    def dns(self) -> frozenset[str]:
        """The names by which API servers call the Service."""
        host = f"{self.service}.{self.namespace}.svc"
        return frozenset({host, f"{host}.cluster.local"})


@dataclass(frozen=True, slots=True)
class _Seen:
    """Objects as they were read; None for one that does not exist."""

    service: dict[str, Any]
    leaf: dict[str, Any] | None
    authority: dict[str, Any] | None
    configuration: dict[str, Any] | None


class CertificateKeeper:
    """Looks after the certificates.

    Args:
        client: The Kubernetes client.
        names: What to look after.
        metrics: Told of what was done.
        lifetimes: How long certificates live.
        clock: Gives the time, with a zone.
    """

    def __init__(
        self,
        client: KubeClient,
        names: Names,
        metrics: OperatorMetrics,
        lifetimes: Lifetimes | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._names = names
        self._metrics = metrics
        self._lifetimes = lifetimes or Lifetimes()
        self._clock = clock
        self._bundle_written: datetime | None = None

    async def keep(self) -> None:
        """Looks once, and does what is due. Doing it twice changes nothing the second time.

        Raises:
            ApiError: The API server cannot be reached or refuses; what was not done is done the next time.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._look()
            except ApiStatusError as error:
                if error.status != _CONFLICT:
                    raise
        return await self._look()

    async def _look(self) -> None:
        names = self._names
        service = await self._read(f"/api/v1/namespaces/{names.namespace}/services/{names.service}")
        if service is None:
            # Without it there is nothing to serve, and nobody would ever remove what was made for it.
            _LOG.info("the Service is not there; nothing is looked after", extra={"service": names.service})
            return
        seen = _Seen(
            service=service,
            leaf=await self._read(self._secret_path(self._names.secret)),
            authority=await self._read(self._secret_path(self._authority_name)),
            configuration=await self._read(f"{CONFIGURATIONS}/{self._names.configuration}"),
        )
        now = self._clock()
        before = self._state(seen, now)
        steps = plan(before, now)
        after = carry_out(before, steps, now)
        await self._write(seen, after, steps)
        self._report(after, steps)

    def _state(self, seen: _Seen, now: datetime) -> State:
        authority, leaf = _data(seen.authority), _data(seen.leaf)
        entries = _bundles(seen.configuration)
        # Where Secrets were lost, what is trusted elsewhere is kept: the pods still serve a leaf of it.
        copies = [authority.get("bundle.crt", b""), leaf.get("ca.crt", b""), *entries]
        bundle = next(filter(None, map(read_bundle, copies)), ())
        text = write_bundle(bundle)
        return State(
            authority=read_pair(authority.get("ca.crt", b""), authority.get("ca.key", b"")),
            bundle=bundle,
            leaf=read_pair(leaf.get("tls.crt", b""), leaf.get("tls.key", b"")),
            names=self._names.dns,
            spread=all(copy == text for copy in [*entries, leaf.get("ca.crt", text)]),
            settled=self._bundle_written is None or now - self._bundle_written >= self._lifetimes.settling,
            lifetimes=self._lifetimes,
        )

    async def _write(self, seen: _Seen, state: State, steps: tuple[Step, ...]) -> None:
        """Writes in the order that `rotation` is built on: what issues, what is trusted, what is served."""
        bundle = write_bundle(state.bundle)
        # Lets the garbage collector remove the Secrets with the Service, so that uninstalling leaves none.
        uid = seen.service["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "Service", "name": self._names.service, "uid": uid}
        if state.authority is not None and {Step.ISSUE_AUTHORITY, Step.PRUNE_BUNDLE} & set(steps):
            pair = {"ca.crt": state.authority.certificate_pem, "ca.key": state.authority.key_pem}
            await self._put_secret(
                self._authority_name, "Opaque", pair | {"bundle.crt": bundle}, seen.authority, owner
            )
        if Step.SPREAD_BUNDLE in steps and seen.configuration is not None:
            await self._put_bundle(seen.configuration, bundle)
        if state.leaf is not None and {Step.SPREAD_BUNDLE, Step.ISSUE_LEAF} & set(steps):
            pair = {"tls.crt": state.leaf.certificate_pem, "tls.key": state.leaf.key_pem}
            await self._put_secret(
                self._names.secret, "kubernetes.io/tls", pair | {"ca.crt": bundle}, seen.leaf, owner
            )

    async def _put_secret(
        self, name: str, kind: str, data: Mapping[str, bytes], seen: dict[str, Any] | None, owner: dict[str, str]
    ) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        if seen is not None:
            await self._client.send("PATCH", self._secret_path(name), _at_version(seen) | {"data": encoded})
            return
        metadata = {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "execution-evidence-gate-operator"},
            "ownerReferences": [owner],
        }
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded}
        await self._client.send("POST", self._secret_path(), secret)

    async def _put_bundle(self, configuration: dict[str, Any], bundle: bytes) -> None:
        text = base64.b64encode(bundle).decode()
        entries = [
            entry | {"clientConfig": entry["clientConfig"] | {"caBundle": text}} if _is_ours(entry) else entry
            for entry in configuration.get("webhooks", [])
        ]
        path = f"{CONFIGURATIONS}/{self._names.configuration}"
        await self._client.send("PATCH", path, _at_version(configuration) | {"webhooks": entries})
        self._bundle_written = self._clock()

    def _report(self, state: State, steps: tuple[Step, ...]) -> None:
        for name, pair, step in (
            ("authority", state.authority, Step.ISSUE_AUTHORITY),
            ("leaf", state.leaf, Step.ISSUE_LEAF),
        ):
            if pair is not None:
                self._metrics.expires(name, pair.certificate.not_valid_after_utc)
            if step in steps:
                self._metrics.renewals.labels(name).inc()
        if Step.SPREAD_BUNDLE in steps:
            self._metrics.repairs.inc()
        if steps:
            _LOG.info("certificates looked after", extra={"steps": [step.value for step in steps]})

    async def _read(self, path: str) -> dict[str, Any] | None:
        try:
            return await self._client.get(path, (), _OBJECT_BYTES)
        except ApiStatusError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    @property
    def _authority_name(self) -> str:
        return f"{self._names.secret}-ca"

    def _secret_path(self, name: str | None = None) -> str:
        collection = f"/api/v1/namespaces/{self._names.namespace}/secrets"
        return collection if name is None else f"{collection}/{name}"


def _at_version(seen: dict[str, Any]) -> dict[str, Any]:
    # With the version that was read, the API server refuses a write that somebody else has overtaken.
    return {"metadata": {"resourceVersion": seen["metadata"]["resourceVersion"]}}


def _data(secret: dict[str, Any] | None) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in ((secret or {}).get("data") or {}).items()}


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return str(entry["name"]).endswith(ENTRY_SUFFIX)


def _bundles(configuration: dict[str, Any] | None) -> list[bytes]:
    entries = (configuration or {}).get("webhooks") or []
    return [base64.b64decode(entry["clientConfig"].get("caBundle") or "") for entry in entries if _is_ours(entry)]
