"""Builds the predicate and the statement around it (docs/contracts/execution-evidence-v1.md)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhook.attest.counted import Counted
from webhook.attest.counting import CALL_PATH_RULES, DISTINCT_PATHS, HOT_SYMBOL_RULES, LEAF_SHARE
from webhook.attest.filters import FILTER_NAMES
from webhook.attest.profile import SAMPLES, Source
from webhook.limits import LIMITS
from webhook.model.image import ImageReference
from webhook.model.statement import PREDICATE_TYPES, STATEMENT_TYPES, Tracer
from webhook.model.timestamp import format_rfc3339

_MILLIONTHS = 1_000_000
_SUFFIX_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Observation:
    """Where, when and by what an image was watched.

    Attributes:
        environment: Where it ran, for example `staging`.
        observed_until: The end of the observation, with a zone.
        observed_from: Its begin, or None if nobody knows.
        tracer: The tool that watched, or None.
    """

    environment: str
    observed_until: datetime
    observed_from: datetime | None = None
    tracer: Tracer | None = None


@dataclass(frozen=True, slots=True)
class ExecutionEvidenceBuilder:
    """Turns a profile into execution evidence. The same input gives the same bytes.

    Attributes:
        observation: What the profile does not say about itself.
        hot_symbol_rule: A name in `HOT_SYMBOL_RULES`.
        call_path_rule: A name in `CALL_PATH_RULES`.
        predicate_type: The statement's predicate type.
    """

    observation: Observation
    hot_symbol_rule: str = LEAF_SHARE
    call_path_rule: str = DISTINCT_PATHS
    predicate_type: str = PREDICATE_TYPES[0]

    def predicate(self, counted: Counted) -> dict[str, Any]:
        """Builds the predicate.

        Args:
            counted: What was seen, after the filters.

        Returns:
            The predicate as a JSON object.
        """
        hot = HOT_SYMBOL_RULES[self.hot_symbol_rule](counted)
        profile = counted.profile
        predicate = self._observation() | {
            "hotSymbolCount": len(hot),
            "uniqueCallPaths": CALL_PATH_RULES[self.call_path_rule](counted),
            "counting": self._counting(profile.measure),
            "sampleCount": profile.total if profile.measure == SAMPLES else None,
            # Of what counts, as the rule has it: the waiting of an idle program is nobody's share.
            "hotSymbols": hottest(hot, counted.total),
            **_sources(profile.sources),
        }
        return {name: value for name, value in predicate.items() if value is not None}

    def statement(self, counted: Counted, image: ImageReference, others: Sequence[str] = ()) -> bytes:
        """Builds the in-toto statement about one image.

        Args:
            counted: What was seen, after the filters.
            image: The image that ran, with its digest.
            others: Digests that the same image also has, as an index and its platform's manifest do.

        Returns:
            The statement, UTF-8 JSON with sorted members and no insignificant white space.

        Raises:
            ValueError: The image has no digest, so nothing says what ran.
        """
        if image.digest is None:
            raise ValueError("an image is named by its digest")
        digests = dict.fromkeys([image.digest, *sorted(others)])
        statement = {
            "_type": STATEMENT_TYPES[0],
            "subject": [_subject(image.repository, digest) for digest in digests],
            "predicateType": self.predicate_type,
            "predicate": self.predicate(counted),
        }
        text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")

    def _counting(self, measure: str) -> dict[str, Any]:
        return {
            "hotSymbols": self.hot_symbol_rule,
            "callPaths": self.call_path_rule,
            "filters": list(FILTER_NAMES),
            "measure": measure,
        }

    def _observation(self) -> dict[str, Any]:
        begin, tracer = self.observation.observed_from, self.observation.tracer
        return {
            "environment": self.observation.environment,
            "observedFrom": None if begin is None else format_rfc3339(begin),
            "observedUntil": format_rfc3339(self.observation.observed_until),
            "tracer": None if tracer is None else tracer.model_dump(exclude_defaults=True),
        }


def _subject(repository: str, digest: str) -> dict[str, Any]:
    algorithm, _, value = digest.partition(":")
    return {"name": repository, "digest": {algorithm: value}}


def _sources(sources: Sequence[Source]) -> dict[str, Any]:
    """Names the profile, or all of them."""
    parts = [{"digest": source.digest, "mediaType": source.media_type} for source in sources]
    return {"profile": parts[0]} if len(parts) == 1 else {"profiles": parts}


def hottest(hot: Mapping[str, int], total: int) -> list[dict[str, Any]]:
    """Lists hot symbols as a predicate does.

    Args:
        hot: Symbol to what was measured there.
        total: Of which its share is taken.

    Returns:
        At most `LIMITS.hot_symbols` of `symbol` and `share`, hottest first, then by name.
    """
    ranked = sorted(hot.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        {"symbol": _shorten(symbol), "share": _share(count, total)} for symbol, count in ranked[: LIMITS.hot_symbols]
    ]


def _share(part: int, total: int) -> float:
    # Rounded in whole numbers, half up: the same six digits on every machine.
    return (2 * part * _MILLIONTHS + total) // (2 * total) / _MILLIONTHS


def _shorten(symbol: str) -> str:
    """Cuts a symbol that is too long to be listed; a hash of the whole keeps two of them apart."""
    if len(symbol) <= LIMITS.symbol_characters:
        return symbol
    suffix = hashlib.sha256(symbol.encode("utf-8")).hexdigest()[:_SUFFIX_CHARACTERS]
    return f"{symbol[: LIMITS.symbol_characters - _SUFFIX_CHARACTERS - 1]}…{suffix}"
