"""The checks beside `metadata`: one fact each, typed, of the same judgement.

They are read off the answer to `metadata`, so no two checks can disagree about one image. An absent value is an
answer: nothing that counts was found. What could not be found out stays the error that it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from webhook.model import gate
from webhook.model.evidence import EvidenceResult, EvidenceValue
from webhook.model.evidence_hash import hash_value

CHECK_METADATA: Final = "metadata"

_Read = Callable[[Mapping[str, str]], Any]


def _count(key: str) -> _Read:
    return lambda metadata: int(metadata[key]) if key in metadata else None


_READ: Mapping[str, _Read] = MappingProxyType(
    {
        "has_evidence": lambda metadata: metadata[gate.HAS_EVIDENCE] == "true",
        "hot_symbol_count": _count(gate.HOT_SYMBOL_COUNT),
        "unique_call_paths": _count(gate.UNIQUE_CALL_PATHS),
        "observed_at": lambda metadata: metadata.get(gate.OBSERVED_UNTIL),
    }
)
"""Check to what it reads; None means that there is no value."""


def answer_check(check_id: str, metadata: EvidenceResult) -> EvidenceResult:
    """Gives the answer to a check.

    Args:
        check_id: One of the contract's.
        metadata: The answer to the check `metadata` with the same params.

    Returns:
        The same lane, reference, anchor and error, with the check's own value and the hash of that.
    """
    if check_id == CHECK_METADATA or metadata.value is None:
        return metadata
    value = _READ[check_id](metadata.value.value)
    if value is None:
        return replace(metadata, value=None, evidence_hash=None, content_type=None)
    told = EvidenceValue("json", value)
    return replace(metadata, value=told, evidence_hash=hash_value(told))
