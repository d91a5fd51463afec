"""What a client sees of tools, through the SDK's own client."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from webhook.model.disclosure import Disclosure
from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA, TOOL_DESCRIPTION
from webhook.server.mcp.evidence import evidence_tool
from webhook.server.mcp.protocol import INSTRUCTIONS, make_server
from webhook.server.mcp.tool import Tool, ToolError
from webhook.server.query.desk import Answering, EvidenceDesk

SCHEMA = {"type": "object"}
MARKER = "marker-5d1f"
MODES = ["legacy", "2026-07-28"]


def client(mode: str, answer: Any = None) -> Client:
    """A client of a server with one tool: it gives an answer, or raises it."""

    async def call(arguments: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(answer, BaseException):
            raise answer
        return {"arguments": dict(arguments), "answer": answer}

    return Client(make_server([Tool("look", "Look", "Looks.", SCHEMA, SCHEMA, call)]), mode=mode)


@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_is_told_as_it_is_and_as_one_that_only_reads(mode: str) -> None:
    desk = EvidenceDesk(lambda: Answering({}, Disclosure()))
    async with Client(make_server([evidence_tool(desk)]), mode=mode) as session:
        (told,) = (await session.list_tools()).tools
    assert (told.name, told.description) == ("evidence_query", TOOL_DESCRIPTION)
    assert (told.input_schema, told.output_schema) == (INPUT_SCHEMA, OUTPUT_SCHEMA)
    assert told.annotations is not None
    assert told.annotations.read_only_hint is True
    assert told.annotations.destructive_hint is False


@pytest.mark.parametrize("mode", MODES)
async def test_nothing_but_tools_is_offered(mode: str) -> None:
    async with client(mode) as session:
        await session.list_tools()
        assert session.server_capabilities.resources is None
        assert session.server_capabilities.prompts is None
        with pytest.raises(MCPError) as caught:
            await session.list_resources()
    assert caught.value.code == -32601


async def test_a_client_is_told_that_unknown_is_no_pass() -> None:
    async with client("legacy") as session:
        assert session.instructions == INSTRUCTIONS
    assert "unknown is never a pass" in INSTRUCTIONS


VALUES: list[Any] = [None, {"a": None}, [None, 1, 1.0], 2**64 - 1, -(2**63), True, "\u2028 \x1b é", {}]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_arguments_and_answers_travel_unchanged(mode: str, value: Any) -> None:
    async with client(mode, value) as session:
        result = await session.call_tool("look", {"given": value})
    expected = {"arguments": {"given": value}, "answer": value}
    assert result.is_error is False
    # As text, since 1, 1.0 and true are equal in Python.
    assert json.dumps(result.structured_content) == json.dumps(expected)
    assert json.dumps(json.loads(result.content[0].text)) == json.dumps(expected)  # type: ignore[union-attr]  # text


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_without_arguments_has_none(mode: str) -> None:
    async with client(mode) as session:
        result = await session.call_tool("look")
    assert result.structured_content == {"arguments": {}, "answer": None}


@pytest.mark.parametrize("mode", MODES)
async def test_arguments_that_the_tool_refuses_are_an_error_for_the_model(mode: str) -> None:
    async with client(mode, ToolError("`query` is missing")) as session:
        result = await session.call_tool("look", {})
    assert (result.is_error, result.structured_content) == (True, None)
    assert [part.text for part in result.content if part.type == "text"] == ["`query` is missing"]


UNEXPECTED = [ValueError(MARKER), KeyError(MARKER), RuntimeError(MARKER), float("nan"), {MARKER}, object()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", UNEXPECTED, ids=lambda answer: type(answer).__name__)
async def test_what_nobody_expected_is_an_incident_and_no_text(
    mode: str, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with client(mode, answer) as session:
        result = await session.call_tool("look", {})
    assert (result.is_error, result.structured_content) == (True, None)
    said = result.model_dump_json()
    assert MARKER not in said
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"an internal error, incident {record.__dict__['incident']}" in said


@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_that_is_not_there_is_a_protocol_error_in_our_words(mode: str) -> None:
    async with client(mode) as session:
        with pytest.raises(MCPError) as caught:
            await session.call_tool(MARKER, {})
    assert (caught.value.code, caught.value.message) == (-32602, "the tools are look")


@pytest.mark.parametrize("mode", MODES)
async def test_there_is_one_page_of_tools(mode: str) -> None:
    async with client(mode) as session:
        assert (await session.list_tools()).next_cursor is None
        with pytest.raises(MCPError) as caught:
            await session.list_tools(cursor="2")
    assert (caught.value.code, caught.value.message) == (-32602, "the list has one page")


def test_nothing_of_a_call_goes_to_telemetry() -> None:
    assert make_server([]).middleware == []
