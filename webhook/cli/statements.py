"""What a verified statement says, for programs: the members that several commands print."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from webhook.model.beacon import BeaconAttestation
from webhook.model.statement import ExecutionEvidence
from webhook.model.timestamp import format_rfc3339
from webhook.trust.policy import Evidence
from webhook.trust.verify import VerifiedStatement

KINDS: Mapping[str, type[Evidence]] = MappingProxyType(
    {"execution-evidence": ExecutionEvidence, "beacon-attestation": BeaconAttestation}
)
"""What kinds of statements are called on the command line."""


def kind_name(evidence: Evidence) -> str:
    """Names the kind of a statement.

    Args:
        evidence: Its predicate.

    Returns:
        A key of `KINDS`.
    """
    return next(name for name, kind in KINDS.items() if isinstance(evidence, kind))


def described(statement: VerifiedStatement) -> dict[str, Any]:
    """Tells a program what a statement says and who vouches for it.

    Args:
        statement: The statement.

    Returns:
        JSON members: `signers`, `certificateIdentity` and `certificateOidcIssuer` where an identity signed,
        `environment`, the kind's two counts, `observedFrom` where it is known, and
        `observedUntil`.
    """
    evidence = statement.evidence
    begin = {} if evidence.observed_from is None else {"observedFrom": format_rfc3339(evidence.observed_from)}
    return {
        "signers": list(statement.signers),
        **_certified(statement),
        "environment": evidence.environment,
        **_counts(evidence),
        **begin,
        "observedUntil": format_rfc3339(evidence.observed_until),
    }


def _certified(statement: VerifiedStatement) -> dict[str, str]:
    identity = statement.identity
    if identity is None:
        return {}
    return {"certificateIdentity": identity.subject, "certificateOidcIssuer": identity.issuer}


def _counts(evidence: Evidence) -> dict[str, int]:
    if isinstance(evidence, BeaconAttestation):
        return {"beaconsExpected": evidence.beacons_expected, "beaconsVerified": evidence.beacons_verified}
    return {"hotSymbolCount": evidence.hot_symbol_count, "uniqueCallPaths": evidence.unique_call_paths}
