"""The tool `evidence_query`: whatever it is given, an answer that its schema accepts, or an error."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client

from tests.support.json_schema import accepts, anything, documents
from webhook.model.disclosure import Disclosure
from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA
from webhook.server.mcp.evidence import evidence_tool
from webhook.server.mcp.protocol import make_server
from webhook.server.query.desk import Answering, EvidenceDesk

_NAMES = st.text(st.characters(codec="utf-8"), max_size=9)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(_NAMES | st.sampled_from(["query", "context"]), anything(), max_size=3)
    | documents(INPUT_SCHEMA)
    | st.tuples(documents(INPUT_SCHEMA), _NAMES, anything()).map(lambda parts: {**parts[0], parts[1]: parts[2]})
)
def test_fuzzed_arguments_fail_closed(arguments: dict[str, Any]) -> None:
    server = make_server([evidence_tool(EvidenceDesk(lambda: Answering({}, Disclosure())))])

    async def ask() -> Any:
        async with Client(server, mode="legacy") as session:
            return await session.call_tool("evidence_query", arguments)

    result = asyncio.run(ask())
    if accepts(INPUT_SCHEMA, arguments):
        assert accepts(OUTPUT_SCHEMA, result.structured_content)
        assert result.structured_content["result"]["error"]["code"] == "provider_missing"
    else:
        assert (result.is_error, result.structured_content) == (True, None)
        assert "internal error" not in result.content[0].text
