"""The provider `env`: what this process' environment says, as far as the configuration allows.

Decision Gate's own provider of that name, check by check; but here an allow list is a must, since a webhook's
environment holds secrets.
"""

from collections.abc import Mapping
from typing import Any, Final

from webhook.gates.comparators import Comparator
from webhook.limits import LIMITS
from webhook.model.contract import CheckContract, CheckExample, ProviderContract
from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceContext,
    EvidenceProblem,
    EvidenceQuery,
    EvidenceResult,
    EvidenceValue,
    Lane,
)
from webhook.model.evidence_hash import hash_value
from webhook.settings.providers import EnvSettings

PROVIDER_ID: Final = "env"
CHECK_GET: Final = "get"

_GET = CheckContract(
    CHECK_GET,
    "The value of an environment variable. Absent if it is not set.",
    {
        "additionalProperties": False,
        "properties": {"key": {"description": "Its name; at most 255 bytes of UTF-8.", "type": "string"}},
        "required": ["key"],
        "type": "object",
    },
    {"type": "string"},
    (
        Comparator.EQUALS,
        Comparator.NOT_EQUALS,
        Comparator.CONTAINS,
        Comparator.IN_SET,
        Comparator.EXISTS,
        Comparator.NOT_EXISTS,
    ),
    ("env",),
    ("text/plain",),
    (CheckExample("Read DEPLOY_ENV.", {"key": "DEPLOY_ENV"}, "production"),),
)


class EnvProvider:
    """Answers from the environment as it was when the provider was made.

    Attributes:
        provider_id: `env`.
        contract: Its check.
    """

    provider_id = PROVIDER_ID
    contract = ProviderContract(
        PROVIDER_ID,
        "Environment",
        "Variables in the environment of the process that answers.",
        (_GET,),
        (
            "Which variables may be asked for is configured; any other is the error provider_error, set or not.",
            "The environment is read once, when the configuration is.",
        ),
    )

    def __init__(self, settings: EnvSettings, environment: Mapping[bytes, bytes]) -> None:
        """Takes what may be told; the rest is never held.

        Args:
            settings: Which variables may be asked for.
            environment: Name to value, as `os.environb` has them.
        """
        self._values = {name: environment.get(name.encode("ascii")) for name in settings.content}

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:  # noqa: ARG002 - it has no age
        """Answers one query.

        Args:
            query: Check `get` with params `key`.
            context: Of no influence.

        Returns:
            The variable's value as a JSON string, and its hash; no value if it is not set; or an error
            `check_missing`, `params_invalid`, or `provider_error` for what may not be asked for or cannot be told.
        """
        if query.check_id != CHECK_GET:
            return _problem("check_missing", "the provider has no such check")
        key = _read_params(query.params)
        if key is None:
            return _problem("params_invalid", "params are key, a string")
        if len(key.encode("utf-8")) > LIMITS.variable_name_bytes:
            return _problem("provider_error", f"the key has more than {LIMITS.variable_name_bytes} bytes")
        if key not in self._values:
            return _problem("provider_error", "the configuration does not allow this key", key)
        return _told(key, self._values[key])


def _read_params(params: Any) -> str | None:
    if not isinstance(params, dict) or params.keys() != {"key"} or not isinstance(params["key"], str):
        return None
    key: str = params["key"]
    # A lone surrogate, which has no bytes.
    return None if any("\ud800" <= character <= "\udfff" for character in key) else key


def _told(key: str, value: bytes | None) -> EvidenceResult:
    anchor = EvidenceAnchor("env", key)
    if value is None:
        return EvidenceResult(lane=Lane.VERIFIED, evidence_anchor=anchor)
    if len(value) > LIMITS.variable_bytes:
        return _problem("provider_error", f"the value has more than {LIMITS.variable_bytes} bytes", key)
    try:
        told = EvidenceValue("json", value.decode("utf-8"))
    except UnicodeDecodeError:
        return _problem("provider_error", "the value is not UTF-8", key)
    return EvidenceResult(
        value=told,
        lane=Lane.VERIFIED,
        evidence_hash=hash_value(told),
        evidence_anchor=anchor,
        content_type="text/plain",
    )


def _problem(code: str, message: str, key: str | None = None) -> EvidenceResult:
    anchor = None if key is None else EvidenceAnchor("env", key)
    return EvidenceResult(error=EvidenceProblem(code, message), evidence_anchor=anchor)
