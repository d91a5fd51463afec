"""The tools as the Model Context Protocol tells and calls them.

By the low-level server of the official SDK, so that the schemas are told as they are, and the arguments reach the
tool as they were sent: no model of the SDK's rounds, fills in or converts them.
Source: https://modelcontextprotocol.io/specification, "Tools".
"""

import json
import logging
import secrets
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from webhook.server.mcp.tool import Tool, ToolError

_LOG = logging.getLogger(__name__)

SERVER_NAME = "execution-evidence-gate"
INSTRUCTIONS = (
    "Tells what is known about the execution of container images, and how the admission gate would decide about "
    "manifests. Nothing can be changed here. An answer that is an error, or whose `error` is set, means that the "
    "matter is unknown, and unknown is never a pass. A result without value but with a hash is known and not shown."
)

_READS_ONLY = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)

McpServer = Server[dict[str, Any]]


def make_server(tools: Sequence[Tool]) -> McpServer:
    """Makes the server; one serves any number of connections.

    Args:
        tools: What it offers.

    Returns:
        The server, for a transport.
    """
    by_name = {tool.name: tool for tool in tools}
    told = types.ListToolsResult(tools=[_told(tool) for tool in tools])

    async def _list(
        _: ServerRequestContext[dict[str, Any]], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(types.INVALID_PARAMS, "the list has one page")
        return told

    async def _call(
        _: ServerRequestContext[dict[str, Any]], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = by_name.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"the tools are {', '.join(by_name)}")
        return await _answer(tool, params.arguments or {})

    server: McpServer = Server(
        SERVER_NAME,
        version=version("execution-evidence-gate"),
        instructions=INSTRUCTIONS,
        on_list_tools=_list,
        on_call_tool=_call,
    )
    # The SDK's own sends each call to OpenTelemetry, wherever the process happens to be set up for that.
    server.middleware.clear()
    return server


def _told(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=_READS_ONLY,
    )


async def _answer(tool: Tool, arguments: dict[str, Any]) -> types.CallToolResult:
    """Calls a tool; an error is part of a result, so that a model sees it and can do better."""
    try:
        document = await tool.call(arguments)
        # The specification wants the answer as text too, for clients that know no structured content.
        text = json.dumps(document, allow_nan=False)
    except ToolError as error:
        return _failed(str(error))
    except Exception:  # noqa: BLE001 - the last line of defence; the SDK would send the exception's text
        incident = secrets.token_hex(4)
        _LOG.exception("mcp call failed", extra={"incident": incident, "tool": tool.name})
        return _failed(f"an internal error, incident {incident}")
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=document)


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
