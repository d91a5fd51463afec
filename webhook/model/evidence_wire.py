"""Reading queries and results that come over a wire: strictly, and nothing but what the contract names.

Sources: the schemas in `evidence_schema`; beyond them, integers are whole in their spelling too (1.0, "1" and true
are refused) and fit into 64 bits. `EvidenceContext.pull` is this process's own and cannot be given from outside.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from webhook.errors import MalformedError
from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceContext,
    EvidenceHash,
    EvidenceProblem,
    EvidenceQuery,
    EvidenceReference,
    EvidenceResult,
    EvidenceSignature,
    EvidenceValue,
    Lane,
    TriggerTime,
)
from webhook.model.evidence_hash import hash_value
from webhook.model.strict_json import parse_json

_UNSIGNED_MAXIMUM = 2**64 - 1
_NAMED_CHARACTERS = 64

_M = TypeVar("_M", bound=BaseModel)


class WireError(ValueError):
    """A document is not what the contract says; the text is ours, one lower-case clause, and safe to show."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _UnixMillis(_Part):
    kind: Literal["unix_millis"]
    value: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class _Logical(_Part):
    kind: Literal["logical"]
    value: Annotated[int, Field(ge=0, le=_UNSIGNED_MAXIMUM)]


_Id = Annotated[int, Field(ge=1, le=_UNSIGNED_MAXIMUM)]
_Octets = list[Annotated[int, Field(ge=0, le=255)]]


class _Context(_Part):
    tenant_id: _Id
    namespace_id: _Id
    run_id: str
    scenario_id: str
    stage_id: str
    trigger_id: str
    trigger_time: Annotated[_UnixMillis | _Logical, Field(discriminator="kind")]
    correlation_id: str | None = None


class _Query(_Part):
    provider_id: str
    check_id: str
    params: Any = None


class _Request(_Part):
    query: _Query
    context: _Context


class _Json(_Part):
    kind: Literal["json"]
    value: Any


class _Bytes(_Part):
    kind: Literal["bytes"]
    value: _Octets


class _Problem(_Part):
    code: str
    message: str
    details: Any


class _Hash(_Part):
    algorithm: Literal["sha256"]
    value: str


class _Reference(_Part):
    uri: str


class _Anchor(_Part):
    anchor_type: str
    anchor_value: str


class _Signature(_Part):
    scheme: str
    key_id: str
    signature: _Octets


class _Result(_Part):
    value: Annotated[_Json | _Bytes, Field(discriminator="kind")] | None
    lane: Literal["verified", "asserted"]
    error: _Problem | None
    evidence_hash: _Hash | None
    evidence_ref: _Reference | None
    evidence_anchor: _Anchor | None
    signature: _Signature | None
    content_type: str | None


def parse_request(data: bytes) -> tuple[EvidenceQuery, EvidenceContext]:
    """Reads a request from its bytes.

    Args:
        data: UTF-8 JSON `{"query": …, "context": …}`; the caller has capped their number.

    Returns:
        Query and context.

    Raises:
        WireError: The bytes are not strict JSON, or not such an object.
    """
    try:
        document = parse_json(data, "request")
    except MalformedError as error:
        raise WireError(error.detail) from None
    return read_request(document)


def read_request(document: Any) -> tuple[EvidenceQuery, EvidenceContext]:
    """Reads a request that is parsed already.

    Args:
        document: A value as `strict_json.parse_json` gives it.

    Returns:
        Query and context.

    Raises:
        WireError: A member is unknown, missing, of a wrong type or out of range; the text names it.
    """
    request = _validated(_Request, document, "the request")
    query, context = request.query, request.context
    return (
        EvidenceQuery(query.provider_id, query.check_id, query.params),
        EvidenceContext(
            tenant_id=context.tenant_id,
            namespace_id=context.namespace_id,
            run_id=context.run_id,
            scenario_id=context.scenario_id,
            stage_id=context.stage_id,
            trigger_id=context.trigger_id,
            trigger_time=TriggerTime(context.trigger_time.kind, context.trigger_time.value),
            correlation_id=context.correlation_id,
        ),
    )


def write_request(query: EvidenceQuery, context: EvidenceContext) -> dict[str, Any]:
    """Writes a request, for somebody else to answer.

    Args:
        query: What is asked.
        context: On whose behalf and when; of it what the contract names, and no more.

    Returns:
        `{"query": …, "context": …}`, as `read_request` reads it.
    """
    return {
        "query": {"provider_id": query.provider_id, "check_id": query.check_id, "params": query.params},
        "context": {
            "tenant_id": context.tenant_id,
            "namespace_id": context.namespace_id,
            "run_id": context.run_id,
            "scenario_id": context.scenario_id,
            "stage_id": context.stage_id,
            "trigger_id": context.trigger_id,
            "trigger_time": {"kind": context.trigger_time.kind, "value": context.trigger_time.value},
            "correlation_id": context.correlation_id,
        },
    }


def check_result(document: Any) -> None:
    """Checks that a document is a bare result: all eight members, no other, and a hash that is the value's.

    Args:
        document: A value as `strict_json.parse_json` gives it.

    Raises:
        WireError: It is not; a wrapped result (`{"result": …}`) is none either.
    """
    read_result(document)


def read_result(document: Any) -> EvidenceResult:
    """Reads a bare result.

    Args:
        document: As for `check_result`.

    Returns:
        The result.

    Raises:
        WireError: As `check_result`.
    """
    result = _validated(_Result, document, "the result")
    value, given = result.value, result.evidence_hash
    if result.error is not None and any((value, given, result.content_type is not None)):
        raise WireError("the result has an error and a value")
    if value is not None and given is None:
        raise WireError("`evidence_hash` is missing beside a value")
    told = None if value is None else EvidenceValue(value.kind, value.value)
    if told is not None and given is not None and hash_value(told).value != given.value:
        raise WireError("`evidence_hash` is not the value's")
    return _result(result, told)


def _result(result: _Result, value: EvidenceValue | None) -> EvidenceResult:
    error, given, reference = result.error, result.evidence_hash, result.evidence_ref
    anchor, signature = result.evidence_anchor, result.signature
    return EvidenceResult(
        value=value,
        lane=Lane(result.lane),
        error=None if error is None else EvidenceProblem(error.code, error.message, error.details),
        evidence_hash=None if given is None else EvidenceHash(given.value),
        evidence_ref=None if reference is None else EvidenceReference(reference.uri),
        evidence_anchor=None if anchor is None else EvidenceAnchor(anchor.anchor_type, anchor.anchor_value),
        signature=None
        if signature is None
        else EvidenceSignature(signature.scheme, signature.key_id, tuple(signature.signature)),
        content_type=result.content_type,
    )


def _validated(model: type[_M], document: Any, what: str) -> _M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    raise WireError(f"{_place(first['loc'], what)} {_PROBLEMS.get(first['type'], 'has a wrong type or value')}")


_PROBLEMS = {"extra_forbidden": "is not known", "missing": "is missing"}


def _place(location: tuple[int | str, ...], what: str) -> str:
    """Names a member; a name of the caller's own only if it looks like one."""
    # A discriminated union puts the value of its discriminator between the names.
    parts = [str(part) for part in location if part not in {"unix_millis", "logical", "json", "bytes"}]
    if not parts:
        return what
    if not all(part.isascii() and part.isidentifier() and len(part) <= _NAMED_CHARACTERS for part in parts):
        return f"a member of {what}"
    return "`" + ".".join(parts) + "`"
