"""What a decision says about each image, as an attestation that others can carry on.

Sources: SLSA v1.1, "Verification Summary Attestation"; in-toto Statement v1; DSSE v1.0.2; package-url's type `oci`.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from webhook.attest.signing.key import SigningKey
from webhook.errors import ImageReferenceError
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.image import ImageReference
from webhook.model.statement import PAYLOAD_TYPE, STATEMENT_TYPES
from webhook.model.timestamp import format_rfc3339, from_unix_millis
from webhook.reasons import ReasonCode
from webhook.records.entry import Decided, Entry, summary_entry
from webhook.trust.dsse import Signature, encode_envelope, pre_authentication_encoding

PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
SLSA_VERSION = "1.1"
LEVELS = {
    ("execution-evidence", ReasonCode.EVIDENCE_SUFFICIENT.value): "STELLA_OPS_EXECUTION_EVIDENCE",
    ("beacon-rate", ReasonCode.BEACON_RATE_SUFFICIENT.value): "STELLA_OPS_BEACON_RATE",
}
"""Gate and reason to the level that it gives: one's own, which must not begin with `SLSA_`."""

_PASS, _VERIFIED = "Pass", "verified"


class SummaryWriter:
    """Writes Verification Summary Attestations out of decision records."""

    def __init__(self, verifier_id: str, key: SigningKey) -> None:
        """Names who vouches.

        Args:
            verifier_id: A URI without fragment and query.
            key: Signs.
        """
        self._verifier_id = verifier_id
        self._key = key

    def of(self, decided: Decided) -> Iterator[Entry]:
        """Sums up a decision.

        Args:
            decided: The decision.

        Yields:
            An entry for each image that is known by its digest and that somebody has looked at evidence for.
        """
        record = json.loads(decided.content)
        for image in record["images"]:
            statement = self.statement(record, image)
            if statement is not None:
                payload = canonical_json(statement)
                signature = self._key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
                # cosign passes over a signature that names its key, also where it is the right one.
                signed = encode_envelope(payload, [Signature("", signature)])
                envelope = canonical_json(signed)
                yield summary_entry(decided, sha256_digest(envelope), envelope)

    def statement(self, record: dict[str, Any], image: dict[str, Any]) -> dict[str, Any] | None:
        """Writes the statement about one image.

        Args:
            record: The decision record.
            image: One of its `images`.

        Returns:
            The in-toto statement; None for an image without digest, and for one that passed without evidence
            (exempt, gate off): nobody has verified it.
        """
        named = _named(image["place"])
        rulings = image["rulings"]
        passed = bool(rulings) and all(ruling["result"]["result"] == _PASS for ruling in rulings)
        if named is None or (passed and not any(ruling["evidence"] for ruling in rulings)):
            return None
        repository, digest = named
        decision = record["decision"]
        environment = decision["environment"].casefold()
        return {
            "_type": STATEMENT_TYPES[0],
            "subject": [{"name": repository, "digest": _digest_set(digest)}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "verifier": {"id": self._verifier_id, "version": _version(decision["software"])},
                "timeVerified": format_rfc3339(from_unix_millis(decision["triggerTime"]["value"])),
                "resourceUri": _resource_uri(repository, digest, environment),
                "policy": {
                    "uri": f"{self._verifier_id.rstrip('/')}/policies/{quote(environment, safe='')}",
                    "digest": _digest_set(decision["settings"]),
                },
                **_inputs(rulings),
                "verificationResult": "PASSED" if passed else "FAILED",
                "verifiedLevels": _levels(rulings) if passed else ["FAILED"],
                "slsaVersion": SLSA_VERSION,
            },
        }


def _named(place: dict[str, Any]) -> tuple[str, str] | None:
    """Gives an image's repository and the digest that was ruled on."""
    try:
        reference = ImageReference.parse(place["image"])
    except ImageReferenceError:
        return None
    digest = place["resolved"] or reference.digest
    return None if digest is None else (reference.repository, digest)


def _inputs(rulings: list[dict[str, Any]]) -> dict[str, Any]:
    """Lists the attestations that were looked at: all of them, or, where an answer does not name its own, none."""
    bases = [ruling["basis"] for ruling in rulings if ruling["evidence"]]
    if not all(bases):
        return {}
    found = {entry["digest"]: entry["uri"] for basis in bases for entry in basis["candidates"]}
    inputs = [{"uri": uri, "digest": _digest_set(digest)} for digest, uri in sorted(found.items())]
    return {"inputAttestations": inputs} if inputs else {}


def _version(software: str) -> dict[str, str]:
    name, _, version = software.rpartition(" ")
    return {name: version}


def _levels(rulings: list[dict[str, Any]]) -> list[str]:
    """Names what was verified; an assertion that the policy let count is no verification."""
    levels = {
        LEVELS.get((ruling["result"]["gate"], ruling["result"]["reason"]))
        for ruling in rulings
        if ruling["evidence"] and ruling["evidence"]["lane"] == _VERIFIED
    }
    return sorted(level for level in levels if level is not None)


def _resource_uri(repository: str, digest: str, environment: str) -> str:
    """Names the artifact as it was verified: for another environment or repository the summary says nothing."""
    name = repository.rpartition("/")[2]
    where = f"environment={quote(environment, safe='')}&repository_url={quote(repository, safe='/:')}"
    return f"pkg:oci/{quote(name, safe='')}@{quote(digest, safe='')}?{where}"


def _digest_set(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
