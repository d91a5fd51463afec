"""The tool `evidence_query`: the same contract as on every other surface, answered by the same desk."""

from typing import Any

from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA, TOOL_DESCRIPTION, TOOL_NAME
from webhook.model.evidence_wire import WireError, read_request
from webhook.server.mcp.tool import Arguments, Tool, ToolError
from webhook.server.query.desk import EvidenceDesk


def evidence_tool(desk: EvidenceDesk) -> Tool:
    """Makes the tool.

    Args:
        desk: Answers the queries.

    Returns:
        The tool; a result whose `error` is set is an answer, as everywhere.
    """

    async def _call(arguments: Arguments) -> dict[str, Any]:
        try:
            query, context = read_request(arguments)
        except WireError as error:
            raise ToolError(str(error)) from None
        return {"result": (await desk.answer(query, context)).to_json()}

    return Tool(TOOL_NAME, "Query evidence", TOOL_DESCRIPTION, INPUT_SCHEMA, OUTPUT_SCHEMA, _call)
