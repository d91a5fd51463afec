"""Signs statements without a key of one's own: a Sigstore vouches for who it was.

Each statement gets a key that is made for it and forgotten. Fulcio certifies who had it, by an identity token; a
timestamp authority and the transparency log Rekor witness that it was used while the certificate was valid.

Source: Sigstore client specification, section 3 (signing).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.keyless_identity import token_of
from webhook.attest.signing.signed import SignedEvidence
from webhook.attest.signing.statement import KeySigner, require_acceptance
from webhook.errors import ConfigurationError, UnavailableError, UntrustedError
from webhook.model.statement import Statement
from webhook.trust.certificate import identity_of, load_certificate
from webhook.trust.dsse import Envelope
from webhook.trust.extra import load_sigstore
from webhook.trust.identity import TextRule, TrustedIdentity
from webhook.trust.material import read_material
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import TrustedRoot, TrustedRootError

if TYPE_CHECKING:
    from webhook.attest.signing.keyless_services import Services

_SECONDS = 60.0
"""What all services together get for one signature."""

Identity = Callable[[], str]
"""Gives an identity token whenever one is needed; may raise ConfigurationError."""


class KeylessSigner:
    """Signs in the name of an identity; a `Signer`."""

    def __init__(self, services: "Services", identity: Identity, seconds: float = _SECONDS) -> None:
        """Remembers whom to ask.

        Args:
            services: The Sigstore.
            identity: Gives the token; called for each statement, since tokens last for minutes.
            seconds: What all services together get for one statement.

        Raises:
            ConfigurationError: The Sigstore's trusted root cannot be used.
        """
        self._services = services
        self._identity = identity
        self._seconds = seconds
        try:
            self._root = TrustedRoot.load(services.trusted_root)
        except TrustedRootError as error:
            raise ConfigurationError(f"the trusted root in it: {error}") from None

    @classmethod
    def open(cls, identity: Identity, trust_config: bytes | None, seconds: float = _SECONDS) -> "KeylessSigner":
        """Prepares a signer.

        Args:
            identity: As for the constructor.
            trust_config: A ClientTrustConfig, JSON: a Sigstore, and by what to know it. None means the public-good
                instance, which is asked for its own.
            seconds: As for the constructor; the public-good instance gets as much again for that.

        Returns:
            The signer.

        Raises:
            ConfigurationError: The trust configuration cannot be used.
            KeylessNotInstalledError: The extra `keyless` is not installed.
            UnavailableError: The public-good instance's cannot be had.
        """
        load_sigstore()
        from webhook.attest.signing.keyless_services import Services  # noqa: PLC0415 - of the extra, and heavy

        services = Services.public(seconds) if trust_config is None else Services.named_by(trust_config)
        return cls(services, identity, seconds)

    def sign(self, payload: bytes) -> SignedEvidence:
        """Signs a statement, and verifies the result as the gate will before anybody gets it. It blocks.

        Args:
            payload: The statement's bytes.

        Returns:
            The evidence, as a bundle.

        Raises:
            EvidenceError: The gate would not accept it; the detail names the part at fault.
            UnavailableError: There is no token, or a service does not do its part.
        """
        # What is in a public log stays there, so a statement that is of no use must not get that far.
        digests = KeySigner(SigningKey.of(ec.generate_private_key(ec.SECP256R1()))).sign(payload).digests
        try:
            token = token_of(self._identity().encode())
        except ConfigurationError as error:
            raise UnavailableError(str(error)) from None
        bundle = self._services.sign(payload, token, self._seconds)
        evidence = SignedEvidence(payload, digests, None, bundle)
        require_acceptance(evidence, self._policy(evidence))
        return evidence

    def _policy(self, evidence: SignedEvidence) -> TrustPolicy:
        """Trusts whom the certificate names, and nobody else."""
        envelope = Envelope.parse(evidence.bundle)
        if envelope.payload != evidence.payload or envelope.material is None:
            raise UntrustedError("the bundle is not about the statement that was to be signed")
        named = identity_of(load_certificate(read_material(envelope.material).leaf))
        identity = TrustedIdentity("signer", TextRule(named.issuer), TextRule(named.subject))
        types = frozenset({Statement.parse(evidence.payload).predicate_type})
        return TrustPolicy(predicate_types=types, identities=(identity,), root=self._root)
