"""The provider `env`, held against Decision Gate's rules for it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.model.test_evidence_wire import EXAMPLE, RESULT, TRUE_HASH
from tests.support.json_schema import accepts
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, TriggerTime
from webhook.model.evidence_schema import RESULT_SCHEMA
from webhook.model.evidence_wire import check_result, read_request
from webhook.providers.env import EnvProvider
from webhook.server.providers import build_providers
from webhook.settings.loading import load_settings
from webhook.settings.providers import EnvSettings

CONTEXT = EvidenceContext(1, 1, "r", "s", "main", "t", TriggerTime("unix_millis", 1710000000000))
ENVIRONMENT = {
    b"DEPLOY_ENV": b"production",
    b"EMPTY": b"",
    b"UMLAUT": "gr\u00fc\u00df".encode(),
    b"LATIN": "gr\u00fc\u00df".encode("latin-1"),
    b"LONGEST": "\u00fc".encode() * 32_768,
    b"TOO_LONG": "\u00fc".encode() * 32_768 + b"x",
    b"SECRET": b"secret-marker",
    b"BOTH": b"secret-marker",
    b"DEPLOY": b"secret-marker",
}
ALLOWED = ["DEPLOY_ENV", "EMPTY", "UMLAUT", "LATIN", "LONGEST", "TOO_LONG", "UNSET", "BOTH", "N" * 255]


def env(**section: Any) -> EnvProvider:
    return EnvProvider(
        EnvSettings.model_validate({"allowlist": ALLOWED, "denylist": ["BOTH"]} | section), ENVIRONMENT
    )


async def get(key: Any, asked: EnvProvider | None = None) -> EvidenceResult:
    result = await (asked or env()).query(EvidenceQuery("env", "get", {"key": key}), CONTEXT)
    written = result.to_json()
    assert accepts(RESULT_SCHEMA, written)
    check_result(written)
    assert "secret-marker" not in json.dumps(written)
    return result


def problem(result: EvidenceResult) -> str:
    assert result.error is not None
    assert (result.value, result.evidence_hash, result.content_type) == (None, None, None)
    return result.error.code


async def test_the_published_example_is_answered_as_published_but_with_the_true_hash() -> None:
    query, context = read_request(EXAMPLE)
    assert (await env().query(query, context)).to_json() == RESULT


async def test_a_variable_that_is_set_is_a_json_string() -> None:
    result = (await get("UMLAUT")).to_json()
    assert result["value"] == {"kind": "json", "value": "gr\u00fc\u00df"}
    assert (result["content_type"], result["lane"]) == ("text/plain", "verified")
    assert (result["evidence_ref"], result["signature"], result["error"]) == (None, None, None)
    assert result["evidence_anchor"] == {"anchor_type": "env", "anchor_value": "UMLAUT"}


async def test_an_empty_value_is_a_value() -> None:
    result = await get("EMPTY")
    assert result.value is not None
    assert (result.value.value, result.content_type) == ("", "text/plain")


async def test_a_variable_that_is_not_set_is_absent_and_its_anchor_stays() -> None:
    result = (await get("UNSET")).to_json()
    expected = dict.fromkeys(RESULT) | {"lane": "verified"}
    assert result == expected | {"evidence_anchor": {"anchor_type": "env", "anchor_value": "UNSET"}}


@pytest.mark.parametrize("key", ["SECRET", "BOTH", "PATH", "deploy_env", "DEPLOY", "DEPLOY_ENV ", "DEPLOY_ENV\n", ""])
async def test_what_is_not_allowed_is_an_error_whether_it_is_set_or_not(key: str) -> None:
    result = await get(key)
    assert problem(result) == "provider_error"
    assert result.to_json()["evidence_anchor"] == {"anchor_type": "env", "anchor_value": key}
    assert result.error == (await get("NEVER_HEARD_OF")).error


async def test_nothing_else_of_the_environment_is_held() -> None:
    assert b"secret-marker" not in env()._values.values()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("N" * 255, None),
        ("N" * 256, "the key has more than 255 bytes"),
        ("\u00fc" * 127 + "N", "the configuration does not allow this key"),
        ("\u00fc" * 128, "the key has more than 255 bytes"),
    ],
)
async def test_a_key_has_at_most_255_bytes(key: str, text: str | None) -> None:
    result = await get(key)
    assert (None if result.error is None else result.error.message) == text


async def test_a_key_that_is_too_long_is_not_repeated() -> None:
    assert (await get("N" * 256)).evidence_anchor is None


async def test_a_value_has_at_most_65536_bytes() -> None:
    longest = await get("LONGEST")
    assert longest.value is not None
    assert len(longest.value.value) == 32_768
    assert problem(await get("TOO_LONG")) == "provider_error"


async def test_a_value_that_is_not_utf_8_is_an_error() -> None:
    result = await get("LATIN")
    assert problem(result) == "provider_error"
    assert result.error is not None
    assert result.error.message == "the value is not UTF-8"


PARAMS: list[Any] = [
    None,
    {},
    [],
    "DEPLOY_ENV",
    {"key": None},
    {"key": 1},
    {"key": ["DEPLOY_ENV"]},
    {"Key": "DEPLOY_ENV"},
    {"key": "DEPLOY_ENV", "default": "x"},
    {"key": "\ud800"},
]


@pytest.mark.parametrize("params", PARAMS, ids=ascii)
async def test_params_are_a_key_and_nothing_else(params: Any) -> None:
    result = await env().query(EvidenceQuery("env", "get", params), CONTEXT)
    assert problem(result) == "params_invalid"
    assert result.evidence_anchor is None


@pytest.mark.parametrize("check", ["", "metadata", "Get", "get "])
async def test_there_is_no_other_check(check: str) -> None:
    result = await env().query(EvidenceQuery("env", check, {"key": "DEPLOY_ENV"}), CONTEXT)
    assert problem(result) == "check_missing"


async def test_the_environment_is_that_of_the_moment_when_the_provider_was_made() -> None:
    environment = dict(ENVIRONMENT)
    asked = EnvProvider(EnvSettings.model_validate({"allowlist": ["DEPLOY_ENV", "UNSET"]}), environment)
    environment |= {b"DEPLOY_ENV": b"staging", b"UNSET": b"x"}
    assert await get("DEPLOY_ENV", asked) == await get("DEPLOY_ENV")
    assert await get("UNSET", asked) == await get("UNSET")


@pytest.mark.parametrize("time", [TriggerTime("logical", 0), TriggerTime("unix_millis", -1)])
async def test_an_answer_does_not_depend_on_the_time(time: TriggerTime) -> None:
    query = EvidenceQuery("env", "get", {"key": "DEPLOY_ENV"})
    later = await env().query(query, CONTEXT._replace(trigger_time=time, tenant_id=7, correlation_id="x"))
    assert later == await env().query(query, CONTEXT)


def test_without_its_section_there_is_no_such_provider(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("providers: {}")
    assert "env" not in build_providers(load_settings(file), [])


async def test_the_process_own_environment_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("providers: {env: {allowlist: [DEPLOY_ENV]}}")
    monkeypatch.setenv("DEPLOY_ENV", "production")
    query, context = read_request(copy.deepcopy(EXAMPLE))
    result = await build_providers(load_settings(file), [])["env"].query(query, context)
    assert result.evidence_hash is not None
    assert result.evidence_hash.value == TRUE_HASH
