"""The tool `review`: the same decisions as `evidence-gate review -o json`, within bounds."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.admission.providers import always
from tests.cli.reviewing import FOREIGN, GOOD, POOR, UNKNOWN, as_json, configure, site, workload
from tests.support.json_schema import accepts, anything
from tests.support.rules import ruled_by
from webhook.cli.mcp_review import INPUT_SCHEMA, OUTPUT_SCHEMA, review_tool
from webhook.cli.rules import open_rules
from webhook.limits import LIMITS
from webhook.server.mcp.tool import Tool, ToolError
from webhook.settings.loading import load_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return site(tmp_path)


@pytest.fixture
async def tool(folder: Path) -> AsyncIterator[Tool]:
    async with open_rules(load_settings(folder / "gate.json"), None) as rules:
        yield review_tool(rules)


async def review(folder: Path, *documents: Any, environment: str = "production") -> dict[str, Any]:
    async with open_rules(load_settings(folder / "gate.json"), None) as rules:
        text = "---\n".join(map(yaml.safe_dump, documents))
        return await review_tool(rules).call({"environment": environment, "manifests": text})


def timeless(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision without what changes from one millisecond to the next."""
    copy: dict[str, Any] = json.loads(json.dumps(decision))
    del copy["record"]["decision"]["triggerTime"], copy["decision"]
    return copy


async def test_it_decides_as_the_command_line_does(folder: Path) -> None:
    documents = [workload(digest, name=f"cart-{digest[-1]}") for digest in (GOOD, POOR, FOREIGN, UNKNOWN)]
    answer = await review(folder, *documents)
    printed = await asyncio.to_thread(as_json, folder, *documents)
    assert [timeless(entry) for entry in answer["decisions"]] == [timeless(entry) for entry in printed]
    assert accepts(OUTPUT_SCHEMA, answer)


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}
OUTCOMES: list[tuple[str, list[Any], str]] = [
    ("all good", [workload(GOOD), workload(GOOD)], "admitted"),
    ("one without evidence", [workload(GOOD), workload(UNKNOWN)], "denied"),
    ("another kind", [POD], "not_evaluated"),
    ("another kind beside a good one", [POD, workload(GOOD)], "admitted"),
]


@pytest.mark.parametrize(("_name", "documents", "outcome"), OUTCOMES, ids=[row[0] for row in OUTCOMES])
async def test_the_outcome_sums_up(_name: str, documents: list[Any], outcome: str, folder: Path) -> None:
    answer = await review(folder, *documents)
    assert answer["outcome"] == outcome
    assert len(answer["decisions"]) + len(answer["not_evaluated"]) == len(documents)
    assert accepts(OUTPUT_SCHEMA, answer)


async def test_a_store_that_is_away_leaves_it_undecided(folder: Path) -> None:
    configure(folder, {"directory": {"path": "nowhere"}})
    answer = await review(folder, workload(GOOD))
    assert (answer["outcome"], answer["decisions"][0]["allowed"]) == ("undecided", False)


async def test_all_decisions_of_a_call_have_one_deadline(folder: Path) -> None:
    rules = ruled_by(load_settings(folder / "gate.json"), always(None))
    text = "---\n".join([TEXT] * 40)
    call = review_tool(rules, seconds=0.5).call({"environment": "production", "manifests": text})
    # A deadline for each would be twenty seconds.
    answer = await asyncio.wait_for(call, 10)
    assert answer["outcome"] == "undecided"
    assert [entry["reasons"] for entry in answer["decisions"]] == [["EvidenceUnavailable"]] * 40


async def test_the_environment_is_the_calls(folder: Path) -> None:
    assert (await review(folder, workload(UNKNOWN), environment="staging"))["outcome"] == "admitted"


MOST = LIMITS.mcp_manifest_bytes
TEXT = yaml.safe_dump(workload(GOOD))
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("nothing", {}, "the arguments are `environment` and `manifests`, and nothing else"),
    ("one more", {"environment": "e", "manifests": TEXT, "m": 1}, "the arguments are `environment` and `manifests`"),
    ("no text", {"environment": "e", "manifests": workload(GOOD)}, "`environment` and `manifests` are strings"),
    ("no name", {"environment": None, "manifests": TEXT}, "`environment` and `manifests` are strings"),
    ("an empty name", {"environment": "", "manifests": TEXT}, "`environment` must have 1 to 253 characters"),
    ("a long name", {"environment": "e" * 254, "manifests": TEXT}, "`environment` must have 1 to 253 characters"),
    ("a look-alike", {"environment": "produc\u0442ion", "manifests": TEXT}, "is no name of an environment"),
    ("a line's end", {"environment": "production\n", "manifests": TEXT}, "is no name of an environment"),
    ("an empty text", {"environment": "e", "manifests": ""}, f"`manifests` must have 1 to {MOST} bytes"),
    ("a long text", {"environment": "e", "manifests": "#" * (MOST + 1)}, f"`manifests` must have 1 to {MOST} bytes"),
    ("in bytes", {"environment": "e", "manifests": "#" + "é" * (MOST // 2)}, f"must have 1 to {MOST} bytes"),
    ("no YAML", {"environment": "e", "manifests": "{"}, "manifests: line "),
    ("twice a key", {"environment": "e", "manifests": TEXT + "kind: Pod\n"}, "a key stands twice"),
    ("no workload", {"environment": "e", "manifests": "kind: Service"}, "must hold 1 to 64 workloads"),
]


@pytest.mark.parametrize(("_name", "arguments", "text"), BAD, ids=[row[0] for row in BAD])
async def test_arguments_that_cannot_be_used_are_named(
    _name: str, arguments: dict[str, Any], text: str, tool: Tool
) -> None:
    with pytest.raises(ToolError) as caught:
        await tool.call(arguments)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 512


async def test_a_text_up_to_the_limit_is_read(tool: Tool) -> None:
    text = TEXT + "#" * (MOST - len(TEXT))
    assert (await tool.call({"environment": "production", "manifests": text}))["outcome"] == "admitted"


async def test_so_many_workloads_and_no_more(tool: Tool) -> None:
    most = [TEXT] * LIMITS.mcp_workloads
    answer = await tool.call({"environment": "production", "manifests": "---\n".join(most)})
    assert len(answer["decisions"]) == LIMITS.mcp_workloads
    with pytest.raises(ToolError, match="must hold 1 to 64 workloads"):
        await tool.call({"environment": "production", "manifests": "---\n".join([*most, TEXT])})


async def test_aliases_cannot_multiply_without_end(tool: Tool) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(ToolError, match="with its aliases written out"):
        await tool.call({"environment": "production", "manifests": "\n".join(lines)})


async def test_more_than_so_many_at_once_are_refused_and_not_kept_waiting(tool: Tool) -> None:
    arguments = {"environment": "production", "manifests": TEXT}
    calls = [tool.call(arguments) for _ in range(LIMITS.mcp_reviews + 1)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [str(error) for error in refused] == ["4 reviews are under way; try again later"]
    assert (await tool.call(arguments))["outcome"] == "admitted"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from(["environment", "manifests", "more"]), anything())
    | st.fixed_dictionaries({"environment": st.text(max_size=9), "manifests": anything().map(yaml.safe_dump)})
    | st.fixed_dictionaries(
        {
            "environment": st.just("production"),
            "manifests": anything().map(lambda value: json.dumps(workload(GOOD) | {"spec": {"template": value}})),
        }
    )
)
def test_whatever_is_asked_there_is_an_answer_or_an_error_of_ours(folder: Path, arguments: dict[str, Any]) -> None:
    async def ask() -> dict[str, Any] | None:
        async with open_rules(load_settings(folder / "gate.json"), None) as rules:
            try:
                return await review_tool(rules).call(arguments)
            except ToolError as error:
                assert "\n" not in str(error)  # noqa: PT017 - what it says matters only if there is one
                return None

    answer = asyncio.run(ask())
    assert answer is None or accepts(OUTPUT_SCHEMA, answer)
    assert answer is None or accepts(INPUT_SCHEMA, arguments)
    # Nothing of this names an image that has evidence, so nothing of it gets in where evidence is required.
    assert answer is None or arguments["environment"] != "production" or answer["outcome"] != "admitted"
