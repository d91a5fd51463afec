"""Signs a statement with a key.

Source: DSSE v1.0.2 (protocol.md). The key decides the algorithm, exactly as in `webhook.trust.keys`.
"""

import json
from dataclasses import dataclass
from typing import Any

from webhook.attest.signing.bundle import key_bundle
from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.signed import SignedEvidence
from webhook.errors import MalformedError
from webhook.model.statement import PAYLOAD_TYPE, Statement
from webhook.trust.dsse import Signature, encode_envelope, pre_authentication_encoding
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import open_envelope


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs with a key; a `Signer`.

    Attributes:
        key: Who vouches.
    """

    key: SigningKey

    def sign(self, payload: bytes) -> SignedEvidence:
        """Signs a statement, and verifies the result as the gate will before anybody gets it.

        Args:
            payload: The statement's bytes.

        Returns:
            The evidence, as an envelope and as a bundle.

        Raises:
            EvidenceError: The gate would not accept it; the detail names the part at fault.
        """
        statement = Statement.parse(payload)
        digests = tuple(sorted(statement.digests()))
        if not digests:
            raise MalformedError("the statement names no sha256 digest")
        # No key id: it may hold anything, and cosign passes over a signature that has one, whatever it says.
        signature = Signature("", self.key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload)))
        envelope = encode_envelope(payload, [signature])
        evidence = SignedEvidence(
            payload, digests, _encoded(envelope), _encoded(key_bundle(envelope, self.key.public))
        )
        policy = TrustPolicy(
            (TrustedKey("signer", self.key.public),), predicate_types=frozenset({statement.predicate_type})
        )
        require_acceptance(evidence, policy)
        return evidence


def require_acceptance(evidence: SignedEvidence, policy: TrustPolicy) -> None:
    """Verifies evidence as the gate will, in every form and for every image.

    Args:
        evidence: What was signed.
        policy: Trusts the signer, and nobody else.

    Raises:
        EvidenceError: The gate would not accept it; the detail names the part at fault.
    """
    forms = (evidence.bundle,) if evidence.envelope is None else (evidence.envelope, evidence.bundle)
    for form in forms:
        opened = open_envelope(form, policy)
        for digest in evidence.digests:
            opened.about(digest, None)


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
