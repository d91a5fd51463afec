"""The tool `review`: what `evidence-gate review -o json` prints, for manifests that come as text.

Here and not beside `evidence_query`, since reading manifests is the command line's business.
"""

import asyncio
import time
from typing import Any

from webhook.cli.manifests import Manifest, ManifestError, parse_manifests
from webhook.cli.options import EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE
from webhook.cli.preflight import Preflight, preflight
from webhook.cli.review import as_json, exit_code
from webhook.errors import ReviewError
from webhook.gates.policy import is_environment
from webhook.limits import LIMITS
from webhook.model.evidence_schema import JSON_SCHEMA_DIALECT
from webhook.model.gate import Verdict
from webhook.model.printable import printable
from webhook.server.mcp.tool import Arguments, Tool, ToolError
from webhook.server.ruleset import Ruleset

TOOL_NAME = "review"
_DESCRIPTION = (
    "Decide about Kubernetes manifests as the admission gate would decide about their creation, without applying "
    "them. `outcome` sums up: `admitted`; `denied`; `undecided`, a store of evidence could not be asked; "
    "`not_evaluated`, the gate is not asked about any of these kinds. Each decision carries its record."
)
_OUTCOMES = {EXIT_OK: "admitted", EXIT_REFUSED: "denied", EXIT_UNAVAILABLE: "undecided"}
_NOT_EVALUATED = "not_evaluated"
_ERROR_CHARACTERS = 512

_TEXT = {"type": "string"}
_TEXTS = {"items": _TEXT, "type": "array"}
_IDENTITY = {"kind": _TEXT, "name": _TEXT, "namespace": _TEXT}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "additionalProperties": False,
        "properties": properties,
        "required": list(properties),
        "type": "object",
    }


_MANIFESTS = {
    "description": f"YAML or JSON, several documents or a List, at most {LIMITS.mcp_manifest_bytes} bytes.",
    "type": "string",
}
_ENVIRONMENT = {"description": "The environment to deploy to, for example production.", "type": "string"}
INPUT_SCHEMA = _object({"environment": _ENVIRONMENT, "manifests": _MANIFESTS}) | {"$schema": JSON_SCHEMA_DIALECT}
"""What is asked."""

_DECISION = _object(
    _IDENTITY
    | {
        "allowed": {"type": "boolean"},
        "decision": {"description": "Digest of the record.", "type": "string"},
        "reasons": _TEXTS,
        "record": {"description": "The decision record.", "type": "object"},
        "verdict": {"enum": [verdict.value for verdict in Verdict], "type": "string"},
    }
)
OUTPUT_SCHEMA = _object(
    {
        "decisions": {"items": _DECISION, "type": "array"},
        "not_evaluated": {"items": _object(_IDENTITY), "type": "array"},
        "outcome": {"enum": [*_OUTCOMES.values(), _NOT_EVALUATED], "type": "string"},
    }
) | {"$schema": JSON_SCHEMA_DIALECT}
"""What is answered."""


def review_tool(rules: Ruleset, seconds: float = LIMITS.deadline_maximum) -> Tool:
    """Makes the tool.

    Args:
        rules: Decide.
        seconds: What all decisions of a call get together; those that are not made by then are undecided.

    Returns:
        The tool.
    """
    free = asyncio.Semaphore(LIMITS.mcp_reviews)

    async def _call(arguments: Arguments) -> dict[str, Any]:
        environment, content = _read(arguments)
        if free.locked():
            raise ToolError(f"{LIMITS.mcp_reviews} reviews are under way; try again later")
        async with free:
            return await _decide(rules, environment, content, time.monotonic() + seconds)

    return Tool(TOOL_NAME, "Review manifests", _DESCRIPTION, INPUT_SCHEMA, OUTPUT_SCHEMA, _call)


async def _decide(rules: Ruleset, environment: str, content: bytes, deadline: float) -> dict[str, Any]:
    try:
        # In a thread: YAML is slow to read.
        manifests = await asyncio.to_thread(parse_manifests, content, "manifests")
        if not 0 < len(manifests) <= LIMITS.mcp_workloads:
            raise ToolError(f"the manifests must hold 1 to {LIMITS.mcp_workloads} workloads")
        kinds = rules.settings.file.workloads
        asked = [manifest for manifest in manifests if manifest.kind in kinds]
        outcomes = [await preflight(manifest, environment, rules, deadline) for manifest in asked]
    except (ManifestError, ReviewError) as error:
        raise ToolError(printable(str(error), _ERROR_CHARACTERS)) from None
    return {
        "outcome": _sum_up(outcomes),
        "decisions": [as_json(outcome) for outcome in outcomes],
        "not_evaluated": [_identity(manifest) for manifest in manifests if manifest.kind not in kinds],
    }


def _sum_up(outcomes: list[Preflight]) -> str:
    # Nothing decided is no pass.
    return _OUTCOMES[exit_code(outcomes)] if outcomes else _NOT_EVALUATED


def _identity(manifest: Manifest) -> dict[str, str]:
    return {"kind": manifest.kind, "namespace": manifest.namespace, "name": manifest.name}


def _read(arguments: Arguments) -> tuple[str, bytes]:
    """Reads the arguments; what is too large is not even encoded."""
    environment, manifests = arguments.get("environment"), arguments.get("manifests")
    if arguments.keys() != {"environment", "manifests"}:
        raise ToolError("the arguments are `environment` and `manifests`, and nothing else")
    if not isinstance(environment, str) or not isinstance(manifests, str):
        raise ToolError("`environment` and `manifests` are strings")
    if not 0 < len(environment) <= LIMITS.environment_characters:
        raise ToolError(f"`environment` must have 1 to {LIMITS.environment_characters} characters")
    if not is_environment(environment):
        # No webhook is ever asked about it, and "requires nothing" would read as a pass.
        raise ToolError("`environment` is no name of an environment: A-Z a-z 0-9 . _ -")
    content = manifests.encode() if len(manifests) <= LIMITS.mcp_manifest_bytes else b""
    if not 0 < len(content) <= LIMITS.mcp_manifest_bytes:
        raise ToolError(f"`manifests` must have 1 to {LIMITS.mcp_manifest_bytes} bytes")
    return environment, content
