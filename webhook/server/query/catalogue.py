"""The catalogue: who answers here, and what each provider takes and gives."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from webhook.model.contract import ProviderContract
from webhook.model.contract_schema import (
    GET_DESCRIPTION,
    GET_INPUT_SCHEMA,
    GET_NAME,
    LIST_DESCRIPTION,
    LIST_INPUT_SCHEMA,
    LIST_NAME,
)
from webhook.server.query.desk import PROVIDER_MISSING
from webhook.server.query.faults import INVALID_PARAMS, FaultError

Contracts = Mapping[str, ProviderContract]

CATALOGUE_TOOLS: Final = (
    {"name": LIST_NAME, "description": LIST_DESCRIPTION, "input_schema": LIST_INPUT_SCHEMA},
    {"name": GET_NAME, "description": GET_DESCRIPTION, "input_schema": GET_INPUT_SCHEMA},
)
"""The tools as `tools/list` writes them."""


def consult(tool: str, arguments: Any, contracts: Contracts) -> dict[str, Any]:
    """Answers one call of a tool.

    Args:
        tool: A name of `CATALOGUE_TOOLS`.
        arguments: What it was given.
        contracts: Those in force, by the providers' ids.

    Returns:
        What the tool's output schema says.

    Raises:
        FaultError: The arguments are not what the input schema says, or no provider has the id.
    """
    return _ANSWERS[tool](arguments, contracts)


def _list(arguments: Any, contracts: Contracts) -> dict[str, Any]:
    if arguments != {}:
        raise FaultError(INVALID_PARAMS, f"params_invalid: {LIST_NAME} takes no arguments")
    return {
        "providers": [
            {
                "provider_id": contract.provider_id,
                "transport": "mcp",
                "checks": [check.check_id for check in contract.checks],
            }
            for contract in contracts.values()
        ]
    }


def _get(arguments: Any, contracts: Contracts) -> dict[str, Any]:
    if not isinstance(arguments, dict) or arguments.keys() != {"provider_id"}:
        raise FaultError(INVALID_PARAMS, f"params_invalid: {GET_NAME} takes provider_id, and nothing else")
    provider_id = arguments["provider_id"]
    if not isinstance(provider_id, str):
        raise FaultError(INVALID_PARAMS, "params_invalid: `provider_id` is a string")
    contract = contracts.get(provider_id)
    if contract is None:
        raise FaultError(INVALID_PARAMS, f"{PROVIDER_MISSING}: no provider has this id")
    digest = contract.hash
    return {
        "provider_id": provider_id,
        "contract": contract.to_json(),
        "contract_hash": {"algorithm": digest.algorithm, "value": digest.value},
        "source": "builtin" if contract.fixed else "file",
        "version": None,
    }


_ANSWERS: Mapping[str, Callable[[Any, Contracts], dict[str, Any]]] = MappingProxyType(
    {LIST_NAME: _list, GET_NAME: _get}
)
