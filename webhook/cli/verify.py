"""`evidence-gate verify`: is this file evidence of one kind for this image, by one of these keys?"""

import json
from pathlib import Path
from typing import Any

import click

from webhook.cli.options import EXIT_OK, EXIT_REFUSED, INPUT, OUTPUT, read_input
from webhook.cli.statements import KINDS, described
from webhook.cli.trust_options import trust_options
from webhook.errors import EvidenceError
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.image import is_digest
from webhook.reasons import ReasonCode
from webhook.trust.policy import Evidence, TrustPolicy
from webhook.trust.verify import OTHER_TYPE, VerifiedStatement, verify

_LABELS = {
    "imageDigest": "image",
    "reason": "reason",
    "detail": "found",
    "signers": "signer",
    "certificateIdentity": "identity",
    "certificateOidcIssuer": "issuer",
    "environment": "environment",
    "hotSymbolCount": "hot symbols",
    "uniqueCallPaths": "call paths",
    "beaconsExpected": "beacons",
    "beaconsVerified": "verified",
    "observedFrom": "observed from",
    "observedUntil": "observed until",
    "envelopeDigest": "envelope",
}
_WIDTH = max(len(label) for label in _LABELS.values()) + 1


def _digest(_: click.Context, __: click.Parameter, text: str) -> str:
    if not is_digest(text):
        raise click.BadParameter("write `sha256:` and 64 lower-case hexadecimal digits")
    return text


@click.command("verify")
@click.argument("file", type=INPUT)
@trust_options(required=True)
@click.option("--image-digest", required=True, callback=_digest, metavar="sha256:…", help="The image's digest.")
@click.option("--environment", metavar="ENV", help="Where the image must have been observed; anywhere by default.")
@click.option(
    "--kind", type=click.Choice([*KINDS]), default="execution-evidence", show_default=True, help="What it must say."
)
@OUTPUT
def command(
    file: Path, trust: TrustPolicy, image_digest: str, environment: str | None, kind: str, output: str
) -> None:
    """Verify FILE, a DSSE envelope or a Sigstore bundle, for an image digest; `-` reads standard input.

    Thresholds and age are not judged here: `gate` and `review` do that.

    Exit code: 0 verified, 1 not verified, 2 for a usage error or a file or key that cannot be read.
    """
    raw = read_input(file, LIMITS.envelope_bytes)
    try:
        statement = verify(raw, image_digest, None, trust)
        _require_kind(statement, KINDS[kind])
        _require_environment(statement, environment)
        found: dict[str, Any] = {"verified": True, **described(statement)}
    except EvidenceError as error:
        found = {"verified": False, "reason": error.reason, "detail": error.detail}
    report = found | {"imageDigest": image_digest, "envelopeDigest": sha256_digest(raw)}
    if len(raw) > LIMITS.envelope_bytes:
        # Only its beginning was read, so nobody knows the digest of the whole.
        del report["envelopeDigest"]
    click.echo(json.dumps(report, ensure_ascii=False) if output == "json" else _as_text(report))
    raise SystemExit(EXIT_OK if report["verified"] else EXIT_REFUSED)


def _require_kind(statement: VerifiedStatement, kind: type[Evidence]) -> None:
    # CVE-2022-35930: a pipeline that relies on one kind must not be content with the other.
    if not isinstance(statement.evidence, kind):
        raise EvidenceError(ReasonCode.EVIDENCE_MISSING, OTHER_TYPE)


def _require_environment(statement: VerifiedStatement, environment: str | None) -> None:
    observed = statement.evidence.environment
    if environment is not None and observed.casefold() != environment.casefold():
        detail = f"a trusted statement from environment '{observed}'"
        raise EvidenceError(ReasonCode.EVIDENCE_FROM_OTHER_ENVIRONMENT, detail)


def _as_text(report: dict[str, Any]) -> str:
    """One fact a line."""
    lines = ["Verified" if report["verified"] else "Not verified"]
    for name, label in _LABELS.items():
        if name in report:
            value = report[name]
            text = ", ".join(value) if isinstance(value, list) else str(value)
            lines.append(f"  {label + ':':<{_WIDTH}} {text}")
    return "\n".join(lines)
