"""The services of a Sigstore, by sigstore-python. Heavy, and of an extra: imported when somebody signs keyless."""

import logging
from typing import Any

from rfc3161_client import decode_timestamp_response
from sigstore.dsse import Statement
from sigstore.errors import Error
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from webhook.attest.signing.keyless_deadline import Watch, within
from webhook.attest.signing.keyless_transport import BoundedAdapter
from webhook.errors import ConfigurationError, MalformedError, UnavailableError

_FULCIO = "Fulcio, which certifies the identity,"
_REKOR = "Rekor, the transparency log,"
_TSA = "the timestamp authority"
_PUBLIC = "the public Sigstore's repository of trust configurations"
_TOKEN_ADVICE = "; does it trust the identity token's issuer, and is the token still valid?"  # noqa: S105 - a sentence

# What these libraries say may hold anything: it is heard where somebody has set up logging, and never on a terminal.
for _name in ("sigstore", "tuf", "urllib3"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Services:
    """The services that a trust configuration names."""

    def __init__(self, config: ClientTrustConfig) -> None:
        """Wraps a configuration.

        Args:
            config: Names at least one service of each kind that signing needs.
        """
        self._config = config

    @classmethod
    def named_by(cls, trust_config: bytes) -> "Services":
        """Reads a trust configuration.

        Args:
            trust_config: A ClientTrustConfig, JSON (sigstore_trustroot.proto).

        Returns:
            Its services.

        Raises:
            ConfigurationError: It is none, or names nobody who certifies identities or logs signatures today.
        """
        try:
            config = ClientTrustConfig.from_json(trust_config.decode())
            SigningContext.from_trust_config(config)
        except Exception:  # noqa: BLE001 - the library names no kinds of errors here
            raise ConfigurationError(
                "it is no ClientTrustConfig of Sigstore, with a trusted root and with services that are in use today"
            ) from None
        return cls(config)

    @classmethod
    def public(cls, seconds: float) -> "Services":
        """Asks the public-good instance for its own configuration, by TUF; a copy stays in the user's cache.

        Args:
            seconds: What it gets.

        Returns:
            Its services.

        Raises:
            UnavailableError: It cannot be had.
        """

        def fetched() -> ClientTrustConfig:
            try:
                return ClientTrustConfig.production()
            except Exception:  # noqa: BLE001 - networks, files and signatures fail in many ways
                raise UnavailableError(
                    "the public Sigstore's trust configuration cannot be had: tuf-repo-cdn.sigstore.dev does not "
                    "answer as it should, or the user's cache cannot be written"
                ) from None

        return cls(within(seconds, Watch(_PUBLIC), fetched))

    @property
    def trusted_root(self) -> bytes:
        """The TrustedRoot, JSON."""
        return self._config._inner.trusted_root.to_json().encode()  # noqa: SLF001 - there is no public way to it

    def sign(self, payload: bytes, token: str, seconds: float) -> bytes:
        """Signs a statement with a key that is forgotten at once, and lets each service add its word.

        Args:
            payload: The statement; it is signed byte by byte.
            token: An identity token.
            seconds: What everything together gets.

        Returns:
            A Sigstore bundle, UTF-8 JSON with a final line feed.

        Raises:
            MalformedError: It is no statement that sigstore-python signs.
            UnavailableError: A service cannot be reached, refuses, or gives an answer that is of no use.
        """
        try:
            statement = Statement(payload)
        except Error:
            raise MalformedError("only a Statement v1 whose subjects have names is signed keyless") from None
        watch = Watch(_FULCIO)

        def signed() -> bytes:
            context = SigningContext.from_trust_config(self._config)
            _bound(context, watch)
            with context.signer(IdentityToken(token)) as signer:
                return signer.sign_dsse(statement).to_json().encode() + b"\n"

        return within(seconds, watch, signed)


def _bound(context: SigningContext, watch: Watch) -> None:
    """Puts our bounds on all sessions; Rekor's and the authorities' belong to the thread that asks for them."""
    clients: list[tuple[Any, BoundedAdapter]] = [
        (context._rekor, BoundedAdapter(_REKOR, watch)),  # noqa: SLF001 - there is no public way to the sessions
        # The library passes over an answer that is no timestamp, and then the signature is of no use.
        *(
            (tsa, BoundedAdapter(_TSA, watch, check=decode_timestamp_response))
            for tsa in context._tsa_clients  # noqa: SLF001 - as above
        ),
    ]
    sessions = [(client._session, adapter) for client, adapter in clients]  # noqa: SLF001 - as above
    sessions.append((context._fulcio.session, BoundedAdapter(_FULCIO, watch, _TOKEN_ADVICE)))  # noqa: SLF001 - as above
    for session, adapter in sessions:
        for scheme in ("https://", "http://"):
            session.mount(scheme, adapter)
