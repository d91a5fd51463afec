"""The sections `providers.remote` and `providers.remoteHosts`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.settings.writing import refusal, written
from tests.support.keys import ecdsa, ed25519_key
from webhook.limits import LIMITS
from webhook.settings.loading import Settings, load_settings

HOST = "gate.example.com"
REMOTE: dict[str, Any] = {"id": "board", "url": f"https://{HOST}/rpc", "surface": "server"}


def document(*remotes: dict[str, Any], hosts: Any = (HOST,), **more: Any) -> dict[str, Any]:
    return {"providers": {"remoteHosts": list(hosts), "remote": [*remotes]}, **more}


def remote(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (REMOTE | changes).items() if value != "absent"}


def loaded(folder: Path, *remotes: dict[str, Any], **more: Any) -> Settings:
    return load_settings(written(folder, document(*remotes, **more)))


URLS: list[tuple[str, str]] = [
    ("https://gate.example.com/rpc", "gate.example.com"),
    ("https://gate.example.com/", "gate.example.com"),
    ("https://gate.example.com:443/rpc", "gate.example.com"),
    ("https://gate.example.com:8443/a/b%20c;d", "gate.example.com:8443"),
    ("https://gate/rpc", "gate"),
    ("https://10.0.0.1:8443/rpc", "10.0.0.1:8443"),
    ("https://[fd00::1]:8443/rpc", "[fd00::1]:8443"),
]


@pytest.mark.parametrize(("url", "host"), URLS)
def test_a_remote_lies_on_an_allowed_host(tmp_path: Path, url: str, host: str) -> None:
    (made,) = loaded(tmp_path, remote(url=url), hosts=[host]).remotes
    assert made.section.url == url
    lines = refusal(written(tmp_path, document(remote(url=url), hosts=["other.example.com"])))
    assert lines == [f"providers.remote: 'board': the host {host!r} does not stand in `remoteHosts`; add it"]


def test_the_default_port_may_be_written_in_the_list_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, remote(), hosts=[f"{HOST}:443"]).remotes


NEAR = [
    "example.com",
    "a.gate.example.com",
    f"{HOST}:8443",
    f"{HOST}.evil.com",
    f"{HOST}.",
    "*.example.com",
    f"https://{HOST}",
    f"{HOST}/rpc",
    "",
]


@pytest.mark.parametrize("host", NEAR)
def test_a_host_that_looks_alike_allows_nothing(tmp_path: Path, host: str) -> None:
    assert refusal(written(tmp_path, document(remote(), hosts=[host])))


NO_HOSTS = [
    *("", "*.example.com", f"https://{HOST}", f"{HOST}/rpc", f"{HOST}.", "Gate.example.com", f"{HOST}:0"),
    *(f"{HOST}:65536", f"{HOST}:", "a b", "a\n", "[::g]", "a" * 501, 1, None),
]


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_no_host_is_refused_by_its_place(tmp_path: Path, host: Any) -> None:
    (line,) = refusal(written(tmp_path, document(remote(), hosts=[HOST, host])))
    assert line.startswith("providers.remoteHosts[1]: ")


def test_so_many_hosts_may_be_named_and_no_more(tmp_path: Path) -> None:
    hosts = [HOST, *(f"h{n}.example.com" for n in range(LIMITS.remotes))]
    assert loaded(tmp_path, remote(), hosts=hosts[:-1]).remotes
    assert "at most 16" in refusal(written(tmp_path, document(remote(), hosts=hosts)))[0]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    *(
        ({"url": url}, "providers.remote[0].url", "")
        for url in (
            "absent",
            None,
            "",
            "http://gate.example.com/rpc",
            "HTTPS://gate.example.com/rpc",
            "https://gate.example.com",
            "https:///rpc",
            "https://Gate.example.com/rpc",
            "https://user@gate.example.com/rpc",
            "https://gate.example.com@evil.com/rpc",
            "https://gate.example.com\\@evil.com/rpc",
            "https://gate.example.com/rpc?x=1",
            "https://gate.example.com/rpc#x",
            "https://gate.example.com/r pc",
            "https://gate.example.com/rpc\n",
            "https://gate.example.com/\u00e4",
            "https://gate.example.com:0/rpc",
            "https://gate.example.com:65536/rpc",
            "https://gate.example.com:/rpc",
            "https://-gate.example.com/rpc",
            "https://gate..example.com/rpc",
            "https://[::g]/rpc",
            "https://[1.2.3.4]/rpc",
            "https://g\u0430te.example.com/rpc",
            f"https://gate.example.com/{'x' * 500}",
        )
    ),
    *(
        ({"id": name}, "providers.remote[0].id", "")
        for name in ("absent", "", "Board", "a b", "x" * 64, "-a", "board\n")
    ),
    *(
        ({"id": name}, "providers.remote", "choose another id")
        for name in ("execution-evidence", "beacon-rate", "env")
    ),
    *(({"surface": surface}, "providers.remote[0].surface", "") for surface in ("absent", None, "Server", "rpc")),
    *(
        ({"timeoutSeconds": seconds}, "providers.remote[0].timeoutSeconds", "")
        for seconds in (0, -1, 30.1, "3", True)
    ),
    *(({"minLane": lane}, "providers.remote[0].minLane", "") for lane in ("verified", None)),
    *(
        ({"tenantId": number, "namespaceIds": {"shop": 1}}, "providers.remote[0].tenantId", "")
        for number in (0, -1, 1.0, "1", True)
    ),
    *(
        ({"tenantId": 1, "namespaceIds": {"shop": number}}, "providers.remote[0].namespaceIds.shop", "")
        for number in (0, 1.0, "1", True, None)
    ),
    ({"tenantId": 1, "namespaceIds": {"Shop": 1}}, "providers.remote[0].namespaceIds.Shop", ""),
    ({"tenantId": 1, "namespaceIds": {"": 1}}, "providers.remote[0].namespaceIds.", ""),
    ({"tenantId": 1}, "providers.remote[0]", "`tenantId` and `namespaceIds` go together"),
    ({"namespaceIds": {"shop": 1}}, "providers.remote[0]", "`tenantId` and `namespaceIds` go together"),
    (
        {"tenantId": 1, "namespaceIds": {f"n{n}": 1 for n in range(LIMITS.remote_namespaces + 1)}},
        "providers.remote[0].namespaceIds",
        "at most 1024",
    ),
    ({"signature": {}}, "providers.remote[0].signature.keys", "required"),
    ({"signature": {"keys": []}}, "providers.remote[0].signature.keys", "at least 1"),
    (
        {"signature": {"keys": [{"keyId": "a", "file": "x"}, {"keyId": "a", "file": "y"}]}},
        "providers.remote[0].signature.keys",
        "stands twice",
    ),
    (
        {"signature": {"keys": [{"keyId": f"k{n}", "file": "x"} for n in range(LIMITS.remote_keys + 1)]}},
        "providers.remote[0].signature.keys",
        "at most 16",
    ),
    ({"allowRaw": "true"}, "providers.remote[0].allowRaw", "boolean"),
    ({"timeout": 3}, "providers.remote[0].timeout", "did you mean 'timeoutSeconds'"),
    ({"providerId": "a b"}, "providers.remote[0].providerId", ""),
]


@pytest.mark.parametrize(("changes", "place", "text"), WRONG)
def test_a_section_that_is_wrong_is_refused_by_name(
    changes: dict[str, Any], place: str, text: str, tmp_path: Path
) -> None:
    lines = refusal(written(tmp_path, document(remote(**changes))))
    assert any(line.startswith(f"{place}: ") and text in line for line in lines), lines


def test_an_id_has_64_bits(tmp_path: Path) -> None:
    text = yaml.safe_dump(document(remote(tenantId=2**64, namespaceIds={"shop": 2**64})))
    places = [line.partition(": ")[0] for line in refusal(written(tmp_path, text))]
    assert places == ["providers.remote[0].tenantId", "providers.remote[0].namespaceIds.shop"]


def test_an_id_stands_once(tmp_path: Path) -> None:
    lines = refusal(written(tmp_path, document(remote(), remote(surface="provider"))))
    assert lines == ["providers.remote: the id 'board' stands twice; give each its own"]


def test_there_may_be_so_many_and_no_more(tmp_path: Path) -> None:
    many = [remote(id=f"r{n}") for n in range(LIMITS.remotes + 1)]
    assert len(loaded(tmp_path, *many[:-1]).remotes) == LIMITS.remotes
    assert "at most 16" in refusal(written(tmp_path, document(*many)))[0]


def keys(*files: str) -> dict[str, Any]:
    return {"keys": [{"keyId": f"k{number}", "file": file} for number, file in enumerate(files)]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read"),
        (b"", "it holds no PEM public key"),
        (b"x" * (LIMITS.key_bytes + 1), "cannot be read"),
        (ecdsa().pem, "it is not an Ed25519 key, and results are signed with no other"),
        (ed25519_key().pem * 2, "it holds more than one PEM block"),
    ],
)
def test_a_key_that_cannot_sign_results_is_refused(tmp_path: Path, content: bytes | None, text: str) -> None:
    if content is not None:
        (tmp_path / "key.pub").write_bytes(content)
    lines = refusal(written(tmp_path, document(remote(signature=keys("key.pub")))))
    assert lines == [f"providers.remote[0].signature.keys[0].file 'key.pub': {text}"]


def test_what_can_change_a_verdict_changes_the_digest_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.pub").write_bytes(ed25519_key(name).pem)
        (tmp_path / f"{name}.token").write_text(name)
        (tmp_path / f"{name}.ca").write_text(name)

    def digest(*remotes: dict[str, Any], **more: Any) -> str:
        return loaded(tmp_path, *remotes, **more).digest

    usual = digest(remote())
    same = [
        remote(allowRaw=True),
        remote(tokenFile="one.token"),
        remote(timeoutSeconds=3),
        remote(minLane="Verified"),
    ]
    assert {digest(entry) for entry in same} == {usual}
    assert digest(remote(), hosts=[HOST, "other.example.com"]) == usual
    other = [
        remote(id="other"),
        remote(url=f"https://{HOST}/elsewhere"),
        remote(surface="provider"),
        remote(providerId="approvals"),
        remote(timeoutSeconds=2.5),
        remote(minLane="Asserted"),
        remote(tenantId=1, namespaceIds={"shop": 1}),
        remote(tenantId=1, namespaceIds={"shop": 2**64 - 1}),
        remote(tenantId=2, namespaceIds={"shop": 1}),
        remote(signature=keys("one.pub")),
        remote(signature=keys("two.pub")),
        remote(signature=keys("one.pub", "two.pub")),
        remote(caFile="one.ca"),
        remote(caFile="two.ca"),
    ]
    digests = [digest(entry) for entry in other]
    assert len({usual, digest(), *digests}) == len(other) + 2
    assert digest(remote(id="a"), remote(id="b")) == digest(remote(id="b"), remote(id="a"))
    before = digest(remote(signature=keys("one.pub")))
    (tmp_path / "one.pub").write_bytes(ed25519_key("two").pem)
    assert digest(remote(signature=keys("one.pub"))) != before


def test_its_files_are_followed_and_a_new_token_makes_other_settings(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(ed25519_key().pem)
    (tmp_path / "token").write_text("first")
    entry = remote(caFile="ca.crt", tokenFile="token", signature=keys("key.pub"))
    settings = loaded(tmp_path, entry)
    assert [file.name for file in settings.files()[1:]] == ["ca.crt", "token", "key.pub"]
    assert settings == loaded(tmp_path, entry)
    (tmp_path / "token").write_text("second")
    assert settings != loaded(tmp_path, entry)


def condition(provider: str) -> dict[str, Any]:
    query = {"provider": provider, "check": "status"}
    entry = {"name": "c", "environments": ["production"], "query": query, "comparator": "equals", "expected": "ok"}
    return {"gates": {"conditions": [entry]}}


def test_a_condition_may_ask_it(tmp_path: Path) -> None:
    mapped = remote(tenantId=1, namespaceIds={"shop": 1})
    about = [line for line in loaded(tmp_path, mapped, **condition("board")).remarks() if "remote" in line]
    assert about == []
    assert "there is no provider 'bord'" in refusal(written(tmp_path, document(mapped) | condition("bord")))[0]


def test_what_is_hardly_meant_is_remarked_on(tmp_path: Path) -> None:
    remarks = loaded(tmp_path, remote(minLane="Asserted"), **condition("board")).remarks()
    assert "providers.remote 'board': minLane is Asserted: what it merely says counts." in remarks
    assert "providers.remote 'board': namespaceIds is empty: conditions that ask it are never met." in remarks


def test_its_values_are_shown_only_if_it_says_so(tmp_path: Path) -> None:
    for opted_in in (False, True):
        more = {"disclosure": {"allowRawValues": True}}
        assert loaded(tmp_path, remote(allowRaw=opted_in), **more).disclosure.shows_raw("board") is opted_in
