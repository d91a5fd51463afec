"""Who may query, by tokens from a file."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness.evidence import digest_of
from tests.harness.polling import poll_async
from tests.server.query.asking import PROVIDER, QUERY, RPC, TOKEN, Service, question
from webhook.errors import ConfigurationError
from webhook.limits import LIMITS
from webhook.server.query.callers import TokenFile

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
NEW = "n" * 40

AUTHORIZATION: list[tuple[str, list[str]]] = [
    ("none", []),
    ("another token", [f"Bearer {'x' * 40}"]),
    ("half of it", [f"Bearer {TOKEN[:-1]}"]),
    ("more than it", [f"Bearer {TOKEN}t"]),
    ("Basic", [f"Basic {TOKEN}"]),
    ("no scheme", [TOKEN]),
    ("a scheme alone", ["Bearer"]),
    ("an empty token", ["Bearer "]),
    ("two tokens", [f"Bearer {TOKEN}, Bearer {TOKEN}"]),
    ("two headers", [f"Bearer {TOKEN}", f"Bearer {TOKEN}"]),
    ("a tab", [f"Bearer\t{TOKEN}"]),
    ("foreign letters", ["Bearer \u00e4" * 20]),
    ("too long", [f"Bearer {'t' * (LIMITS.bearer_token_bytes + 1)}"]),
]


@pytest.mark.parametrize(("_name", "given"), AUTHORIZATION, ids=[name for name, _ in AUTHORIZATION])
async def test_whoever_shows_no_valid_token_is_told_the_same(service: Service, _name: str, given: list[str]) -> None:
    headers = [("Authorization", value) for value in given]
    for path in (QUERY, RPC, PROVIDER):
        status, document, answer = await service.post(path, LIST, token=None, headers=headers)
        error = document["error"]
        assert (status, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert error.get("data", error)["kind"] == "unauthenticated"
        assert error["message"] in {"a bearer token is needed", "the token is not valid"}


async def test_a_token_is_looked_at_before_the_body(service: Service) -> None:
    assert (await service.post(RPC, b"{", token=None)).status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(service: Service, scheme: str) -> None:
    said = await service.post(RPC, LIST, token=None, headers={"Authorization": f"{scheme} {TOKEN}"})
    assert said.status == 200


async def test_new_tokens_are_let_in_and_old_ones_no_longer(service: Service) -> None:
    assert (await service.post(RPC, LIST, token=NEW)).status == 401
    service.token_file.write_text(f"{NEW}\n")

    async def let_in() -> bool:
        return (await service.post(RPC, LIST, token=NEW)).status == 200

    await poll_async(let_in, 10, "the new token is let in")
    assert (await service.post(RPC, LIST)).status == 401


@pytest.mark.parametrize("content", ["", "short\n", None])
async def test_a_file_that_cannot_be_used_any_more_lets_nobody_in(service: Service, content: str | None) -> None:
    if content is None:
        service.token_file.unlink()
    else:
        service.token_file.write_text(content)

    async def shut_out() -> bool:
        return (await service.post(RPC, LIST)).status == 401

    await poll_async(shut_out, 10, "nobody is let in")
    service.token_file.write_text(TOKEN)

    async def let_in() -> bool:
        return (await service.post(RPC, LIST)).status == 200

    await poll_async(let_in, 10, "the file is tried again")


UNUSABLE: list[tuple[str, Any]] = [
    ("missing", None),
    ("empty", b""),
    ("blank lines", b"\n \n"),
    ("a short token", b"t" * 31),
    ("a name before it", b"ci " + b"t" * 40),
    ("foreign bytes", b"\xff" * 40),
    ("too many", b"".join(b"%040d\n" % number for number in range(LIMITS.bearer_tokens + 1))),
    ("too large", b"t" * 4094 + b"\n" * 300_000),
]


@pytest.mark.parametrize(("_name", "content"), UNUSABLE, ids=[name for name, _ in UNUSABLE])
def test_a_file_that_cannot_be_used_is_named_and_not_quoted(
    tmp_path: Path, _name: str, content: bytes | None
) -> None:
    path = tmp_path / "tokens"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        TokenFile(path)
    text = str(caught.value)
    assert text.startswith(f"token file {path} ")
    assert "\n" not in text
    assert "ttt" not in text


async def test_no_token_stands_in_a_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await service.post(QUERY, question(digest_of("seen")))
    await service.post(QUERY, question(digest_of("seen")), token=NEW)
    shown = [str(record.__dict__) for record in caplog.records if record.name.startswith("webhook")]
    assert any("token-2" in line for line in shown)
    assert not any(TOKEN in line or NEW in line for line in shown)
