"""What exists for an image, for people.

What stands in a statement is somebody else's: only printable characters of it are shown, and each column has a width
that it never exceeds.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from webhook.admission.answer import Advice
from webhook.cli.evidence_listing import Listing
from webhook.cli.evidence_rows import Kinds, Row, kinds_by, required_environments
from webhook.cli.statements import kind_name
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model.gate import Verdict
from webhook.model.printable import printable
from webhook.model.timestamp import format_rfc3339
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.registry.guidance import NOT_ALLOWED
from webhook.trust.verify import VerifiedStatement

_HEAD = (
    *("RESULT", "KIND", "ENVIRONMENT", "OBSERVED UNTIL", "AGE"),
    *("COUNTS", "SIGNED BY", "ENVELOPE", "WHERE", "DETAIL"),
)
_WIDTHS = (30, 20, 30, 20, 10, 60, 40, 19, 110, 160)
_NOTHING = "-"
_TEXT_CHARACTERS = 800
_LONG_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def as_table(listing: Listing) -> Iterator[str]:
    """Shows what exists, one line a statement or store that could not be read.

    Args:
        listing: What was found.

    Yields:
        Lines.
    """
    yield heading(listing)
    kinds = kinds_by(listing.settings)
    rows = [_row(row, listing, kinds) for row in listing.rows]
    rows += [_gap(gap.store, gap.detail) for gap in listing.gaps]
    if rows:
        cells = [tuple(map(printable, row, _WIDTHS)) for row in (_HEAD, *rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
        yield from ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    else:
        yield "no statement about this image"
    yield from conclusion(listing)


def heading(listing: Listing) -> str:
    """Names the image.

    Args:
        listing: What was found.

    Returns:
        One line.
    """
    image = listing.image
    tag = f" (tag {image.tag})" if image.tag else ""
    return printable(f"image: {image.repository}@{image.digest}{tag}", _TEXT_CHARACTERS)


def conclusion(listing: Listing) -> Iterator[str]:
    """Says what else is to be known, what the gate makes of it, and what to do next.

    Args:
        listing: What was found.

    Yields:
        Lines; none where there is nothing to say.
    """
    for remark in listing.remarks:
        yield printable(f"note: {remark}", _TEXT_CHARACTERS)
    for verdict in listing.verdicts:
        for result in verdict.results:
            # The message is the same for many causes: only the code tells them apart.
            code = "" if result.result is Verdict.PASS else f" ({result.reason.value})"
            yield printable(f"{verdict.environment}: {result.result}: {result.message}", _TEXT_CHARACTERS) + code
    for step in _next_steps(listing):
        yield f"next: {step}"


def result_word(row: Row) -> str:
    """Says in a word what a statement is worth.

    Args:
        row: The statement.

    Returns:
        `counts` by the gate's policy, `verified` without one, or the reason code of what does not count.
    """
    if not row.counts:
        return "" if row.reason is None else row.reason.value
    return "verified" if row.reason is None else "counts"


def age_text(age: timedelta) -> str:
    """Writes an age by its largest unit.

    Args:
        age: The age.

    Returns:
        For example `3d` or `45s`; `future` if it is negative.
    """
    seconds = age.total_seconds()
    if seconds < 0:
        return "future"
    size, unit = next(entry for entry in _UNITS if seconds >= entry[0] or entry[0] == 1)
    return f"{int(seconds // size)}{unit}"


def _row(row: Row, listing: Listing, kinds: Kinds) -> Sequence[str]:
    candidate = row.candidate
    platform = "" if candidate.platform is None else f" ({candidate.platform.name})"
    where = _LONG_DIGEST.sub(r"\1", candidate.uri) + platform
    what: Sequence[str] = (_NOTHING,) * 6
    if row.statement is not None:
        evidence = row.statement.evidence
        what = (
            kind_name(evidence),
            evidence.environment,
            format_rfc3339(evidence.observed_until),
            age_text(listing.now - evidence.observed_until),
            kinds[type(evidence)].words(evidence),
            _signed_by(row.statement),
        )
    return (result_word(row), *what, _LONG_DIGEST.sub(r"\1", candidate.digest), where, row.detail or "")


def _signed_by(statement: VerifiedStatement) -> str:
    """A cell has little space, and whom the certificate names says more than what the policy calls all those."""
    return ", ".join(statement.signers) or _NOTHING if statement.identity is None else statement.identity.subject


def _gap(store: str, detail: str) -> Sequence[str]:
    return (ReasonCode.EVIDENCE_UNAVAILABLE.value, *(_NOTHING,) * 7, store, detail)


def _next_steps(listing: Listing) -> Sequence[str]:
    """Says what helps against the gate's objections; where it has none, what lets a statement count."""
    # What a store says of it explains why there is nothing, and only that.
    found = "" if listing.rows else next((text for text in listing.remarks if text.endswith(NOT_ALLOWED)), "")
    objections = [
        _step(listing.settings, verdict.environment, result.reason, found)
        for verdict in listing.verdicts
        for result in verdict.results
        if result.result is not Verdict.PASS
    ]
    if objections or any(row.counts for row in listing.rows):
        return [*dict.fromkeys(objections)]
    reason = ReasonCode.EVIDENCE_MISSING
    if listing.gaps:
        reason = ReasonCode.EVIDENCE_UNAVAILABLE
    elif listing.rows and listing.rows[0].reason is not None:
        reason = listing.rows[0].reason
    settings = listing.settings
    environment = "" if settings is None else next(iter(required_environments(settings)), "")
    return [_step(settings, environment, reason, found)]


def _step(settings: Settings | None, environment: str, reason: ReasonCode, found: str) -> str:
    if settings is None:
        advice = Advice(" or ".join(ExecutionEvidencePolicy().evidence_environments), None)
    else:
        advice = Advice.of(settings, environment)
    return advice.step(reason, found) + (f"; see {advice.help_url}" if advice.help_url else "")
