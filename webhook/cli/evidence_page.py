"""Everything about single statements, for people."""

import json
from collections.abc import Iterator, Sequence

from webhook.cli.evidence_document import statement_of
from webhook.cli.evidence_listing import Listing
from webhook.cli.evidence_rows import Row
from webhook.cli.evidence_table import age_text, conclusion, heading, result_word
from webhook.limits import LIMITS
from webhook.model.printable import printable

_LINES = 2000
"""Of one statement; whoever attached it chooses how long it is."""
_LINE_CHARACTERS = LIMITS.symbol_characters + 80
_WIDTH = len("signed by: ")


def as_pages(listing: Listing) -> Iterator[str]:
    """Shows statements as a whole.

    Args:
        listing: What was found.

    Yields:
        Lines.
    """
    yield heading(listing)
    for row in listing.rows:
        yield ""
        yield from _page(row, listing)
    if not listing.rows:
        yield "no such statement about this image"
    for gap in listing.gaps:
        yield printable(f"not read: {gap.store}: {gap.detail}", _LINE_CHARACTERS)
    if listing.rows or listing.remarks:
        yield ""
    yield from conclusion(listing)


def _page(row: Row, listing: Listing) -> Iterator[str]:
    candidate, statement = row.candidate, row.statement
    yield f"statement {candidate.digest}"
    facts: list[tuple[str, str]] = [("where", candidate.uri), ("result", result_word(row))]
    if candidate.platform is not None:
        facts.append(("platform", candidate.platform.name))
    if row.detail is not None:
        facts.append(("found", row.detail))
    if statement is not None:
        facts.append(("signed by", statement.signed_by or "nobody who is trusted"))
        facts.append(("age", age_text(listing.now - statement.evidence.observed_until)))
    yield from (printable(f"  {name + ':':<{_WIDTH}}{value}", _LINE_CHARACTERS) for name, value in facts)
    yield from _content(row)


def _content(row: Row) -> Iterator[str]:
    document = statement_of(row)
    if document is None:
        yield f"  content:   {len(row.candidate.raw)} bytes that hold no statement"
        return
    yield "  content:" if row.verified else "  content, which is verified by nobody and may be anybody's invention:"
    # ASCII would hide the names of symbols in most of the world's scripts.
    lines: Sequence[str] = json.dumps(document, indent=2, ensure_ascii=False).split("\n")
    yield from (printable(f"    {line}", _LINE_CHARACTERS) for line in lines[:_LINES])
    if len(lines) > _LINES:
        yield f"    … and {len(lines) - _LINES} more lines; `-o json` has them all"
