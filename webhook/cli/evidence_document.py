"""What exists for an image, for programs.

The form is docs/contracts/evidence-listing-v1.schema.json; members are added to it, and never change their meaning.
"""

import contextlib
import json
from typing import Any

from webhook.cli.evidence_listing import Listing
from webhook.cli.evidence_rows import Row
from webhook.cli.statements import described, kind_name
from webhook.errors import EvidenceError
from webhook.model.strict_json import parse_json
from webhook.trust.dsse import Envelope


def as_json(listing: Listing, *, whole: bool) -> str:
    """Tells a program what exists.

    Args:
        listing: What was found.
        whole: Whether each statement is given as a whole, too.

    Returns:
        JSON in ASCII: whatever stands in somebody's statement, no byte of it moves a terminal.
    """
    image = listing.image
    tag = {} if image.tag is None else {"tag": image.tag}
    document = {
        "image": f"{image.repository}@{image.digest}",
        "digest": image.digest,
        **tag,
        "complete": not listing.gaps,
        "statements": [entry(row, listing) | (_whole(row) if whole else {}) for row in listing.rows],
        "gaps": [gap._asdict() for gap in listing.gaps],
        "remarks": [*listing.remarks],
        "verdicts": [
            {
                "environment": verdict.environment,
                "verdict": verdict.results[0].result.value,
                "reasons": sorted({result.reason.value for result in verdict.results}),
                "messages": [result.message for result in verdict.results],
            }
            for verdict in listing.verdicts
        ],
    }
    return json.dumps(document, indent=2)


def entry(row: Row, listing: Listing) -> dict[str, Any]:
    """Tells a program about one statement.

    Args:
        row: The statement.
        listing: Where it stands.

    Returns:
        JSON. What the statement says is left out where nobody may believe it.
    """
    candidate, statement = row.candidate, row.statement
    answer: dict[str, Any] = {
        "store": row.store,
        "where": candidate.uri,
        "envelopeDigest": candidate.digest,
        "verified": row.verified,
        "counts": row.counts,
    }
    if candidate.platform is not None:
        answer["platform"] = candidate.platform.name
    if row.reason is not None:
        answer["reason"] = row.reason.value
    if row.detail is not None:
        answer["detail"] = row.detail
    if statement is not None:
        age = listing.now - statement.evidence.observed_until
        answer |= {
            "kind": kind_name(statement.evidence),
            **described(statement),
            "ageSeconds": int(age.total_seconds()),
        }
    return answer


def statement_of(row: Row) -> dict[str, Any] | None:
    """Reads the statement that is in an envelope, whoever has signed it.

    Args:
        row: The candidate.

    Returns:
        The in-toto statement as it is written; None if there is none that can be read.
    """
    with contextlib.suppress(EvidenceError):
        document = parse_json(Envelope.parse(row.candidate.raw).payload, "statement")
        if isinstance(document, dict):
            return document
    return None


def _whole(row: Row) -> dict[str, Any]:
    """Gives what there is of one statement; the member's name says whether it may be believed."""
    document = statement_of(row)
    told = {} if document is None else {"statement" if row.verified else "unverifiedStatement": document}
    return {"bytes": len(row.candidate.raw), **told}
