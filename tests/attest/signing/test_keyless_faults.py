"""Services that hang, refuse, babble or lead elsewhere: each failure has a sentence of ours, within its time."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from tests.attest.signing.making import payload
from tests.harness.process import free_ports
from tests.harness.sigstore import LocalSigstore
from tests.simulators.proxy import Proxy
from tests.simulators.sigstore_faults import Fault, FaultyService, Service, replaced
from tests.simulators.web import TlsAnswers
from webhook.attest.signing import keyless_transport
from webhook.attest.signing.keyless import KeylessSigner
from webhook.errors import UnavailableError

NAMES: dict[Service, str] = {
    "caUrls": "Fulcio, which certifies the identity,",
    "rekorTlogUrls": "Rekor, the transparency log,",
    "tsaUrls": "the timestamp authority",
}
HOSTED = " at 127.0.0.1 "
FAULTS = {
    "refuses": (Fault(403, b'{"message":"no"}'), "answered with HTTP 403"),
    "is overloaded": (Fault(503, b"<html>"), "answered with HTTP 503"),
    "leads elsewhere": (Fault(307, location="/elsewhere"), "answered with HTTP 307"),
    "hangs up": (Fault(drops=True), "cannot be reached, or breaks off"),
    "never ends": (Fault(body=b"x" * 65536, endless=True), "answered with more than 1048576 bytes"),
}
"""What is known before anybody reads the answer."""

GARBAGE = [
    b"",
    b"<html>",
    b"{}",
    b"[]",
    b"null",
    b"7",
    b'{"signedCertificateEmbeddedSct":{"chain":[]}}',
    b"[" * 100_000,
]


@pytest.fixture(scope="module")
def sigstore() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


def failure(sigstore: LocalSigstore, service: Service, url: str, seconds: float = 20) -> str:
    """Signs with one service elsewhere, and gives what was said about it; never a token."""
    token = sigstore.issuer.token()
    config = replaced(sigstore.trust_config.read_bytes(), service, url)
    with pytest.raises(UnavailableError) as caught:
        KeylessSigner.open(lambda: token, config, seconds).sign(payload())
    shown: BaseException | None = caught.value
    while shown is not None:
        assert token.rpartition(".")[2] not in f"{shown!r}{shown}"
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    return caught.value.detail


@pytest.mark.parametrize("service", get_args(Service))
@pytest.mark.parametrize("kind", FAULTS)
def test_a_service_that_fails_is_named_with_what_it_did(kind: str, service: Service, sigstore: LocalSigstore) -> None:
    fault, said = FAULTS[kind]
    with FaultyService(fault) as faulty:
        detail = failure(sigstore, service, faulty.url)
    assert detail.startswith(f"{NAMES[service]}{HOSTED}{said}")


@pytest.mark.parametrize("service", get_args(Service))
@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: repr(body[:20]))
def test_a_service_that_babbles_is_named(body: bytes, service: Service, sigstore: LocalSigstore) -> None:
    with FaultyService(Fault(body=body)) as faulty:
        assert failure(sigstore, service, faulty.url) == f"{NAMES[service]} gave an answer that is of no use"


@pytest.mark.parametrize("service", get_args(Service))
def test_a_service_that_is_silent_holds_nobody_up(service: Service, sigstore: LocalSigstore) -> None:
    begin = time.monotonic()
    with FaultyService(Fault(silent=True)) as faulty:
        detail = failure(sigstore, service, faulty.url, seconds=2)
        assert time.monotonic() - begin < 10
    assert detail == f"{NAMES[service]} did not answer within 2 seconds"


@pytest.mark.parametrize("service", get_args(Service))
def test_nobody_waits_on_behind_it(
    service: Service, sigstore: LocalSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that was left behind must end too, or a process that runs for days would fill with them."""
    monkeypatch.setattr(keyless_transport, "_READ_SECONDS", 0.2)
    with FaultyService(Fault(silent=True)) as faulty:
        detail = failure(sigstore, service, faulty.url)
    assert detail == f"{NAMES[service]}{HOSTED}cannot be reached, or breaks off"


@pytest.mark.parametrize("service", get_args(Service))
def test_nobody_there_is_a_service_that_cannot_be_reached(service: Service, sigstore: LocalSigstore) -> None:
    (port,) = free_ports(1)
    detail = failure(sigstore, service, f"http://127.0.0.1:{port}")
    assert detail == f"{NAMES[service]}{HOSTED}cannot be reached, or breaks off"


def test_an_authority_of_ones_own_is_trusted_by_the_usual_variable(
    sigstore: LocalSigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "Fulcio, which certifies the identity, at 127.0.0.1"
    with TlsAnswers(tmp_path, 503, b"") as fulcio:
        assert failure(sigstore, "caUrls", fulcio.url) == f"{place} has no certificate that is trusted here"
        monkeypatch.setenv("SSL_CERT_FILE", str(fulcio.ca_file))
        assert failure(sigstore, "caUrls", fulcio.url).startswith(f"{place} answered with HTTP 503")


def test_it_is_trusted_behind_a_proxy_too(
    sigstore: LocalSigstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TlsAnswers(tmp_path, 503, b"") as fulcio, Proxy(urlsplit(fulcio.url).port or 0) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(fulcio.ca_file))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for name in ("https_proxy", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        # The certificate is for this address, behind whatever port.
        assert "answered with HTTP 503" in failure(sigstore, "caUrls", "https://127.0.0.1:9")
    assert proxy.asked == ["127.0.0.1:9"]


def test_a_token_that_real_fulcio_refuses_is_said_to_be_so(sigstore: LocalSigstore) -> None:
    token = sigstore.issuer.token(iss="https://stranger.example.com")
    with pytest.raises(UnavailableError, match=r"HTTP 4\d\d; does it trust the identity token's issuer"):
        KeylessSigner.open(lambda: token, sigstore.trust_config.read_bytes()).sign(payload())


def test_a_redirect_does_not_take_the_token_along(sigstore: LocalSigstore) -> None:
    with FaultyService(Fault()) as elsewhere, FaultyService(Fault(302, location=elsewhere.url)) as fulcio:
        failure(sigstore, "caUrls", fulcio.url)
    assert elsewhere.requests == []


def test_every_session_of_the_library_has_our_bounds(sigstore: LocalSigstore) -> None:
    """Whatever its next release calls them: each kind of service is asked through them, or this test fails."""
    for service in get_args(Service):
        with FaultyService(Fault(500)) as faulty:
            failure(sigstore, service, faulty.url)
        assert len(faulty.requests) == 1


def test_a_signing_config_may_name_rekor_1(sigstore: LocalSigstore) -> None:
    config = json.loads(sigstore.trust_config.read_bytes())
    with FaultyService(Fault(503)) as rekor:
        config["signingConfig"]["rekorTlogUrls"][0] |= {"url": rekor.url, "majorApiVersion": 1}
        with pytest.raises(UnavailableError, match=r"^Rekor.*answered with HTTP 503$"):
            KeylessSigner.open(sigstore.issuer.token, json.dumps(config).encode()).sign(payload())
    assert rekor.requests == ["/api/v1/log/entries"]
