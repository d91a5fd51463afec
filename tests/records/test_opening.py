"""From the section to open sinks, and what is said when one cannot be opened."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.attest.keys import private_pem, public_pem
from tests.records.making import PUBLIC, decided
from tests.records.test_verify import verified
from tests.simulators.collector import CollectorSimulator
from webhook.errors import ConfigurationError
from webhook.records.log import RecordLog
from webhook.records.opening import open_records
from webhook.settings.records import RecordSettings


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def offer(self, line: bytes) -> bool:
        self.kept.append(line)
        return True


def opened(folder: Path, section: dict[str, Any], lines: Lines | None = None) -> RecordLog:
    return open_records(RecordSettings.model_validate(section), folder, lines or Lines())


async def test_by_default_entries_go_to_the_log(tmp_path: Path) -> None:
    lines = Lines()
    log = opened(tmp_path, {}, lines)
    await log.start()
    log.put(decided())
    await log.close(5)
    assert [json.loads(line)["message"] for line in lines.kept] == ["decision", "end of records"]
    assert verified(lines.kept).whole(partial=False)


async def test_every_sink_gets_every_decision_and_has_a_chain_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(private_pem("Ed25519", b"a passphrase"))
    (tmp_path / "passphrase").write_text("a passphrase\n")
    lines = Lines()
    with CollectorSimulator(tmp_path) as simulator:
        section = {
            "file": {"path": "records.jsonl"},
            "collector": {"url": simulator.url, "caFile": simulator.ca_file.name, "spool": {"path": "spool"}},
            "signing": {"keyFile": "key.pem", "passphraseFile": "passphrase"},
        }
        log = opened(tmp_path, section, lines)
        await log.start()
        for number in range(10):
            log.put(decided(f"u-{number}"))
        await log.close(10)
    logs = [lines.kept, (tmp_path / "records.jsonl").read_bytes().splitlines(), simulator.taken]
    instances = set()
    for kept in logs:
        verifier = verified(kept, PUBLIC)
        assert verifier.whole(partial=False)
        [chain] = verifier.chains.values()
        instances.add(chain.instance)
        assert chain.entries == 11
    # One process, three sinks.
    assert len({instance.partition("-")[0] for instance in instances}) == 1
    assert {instance.partition("-")[2] for instance in instances} == {"stdout", "file", "collector"}


async def test_two_processes_have_chains_of_their_own(tmp_path: Path) -> None:
    for _ in range(2):
        log = opened(tmp_path, {"stdout": False, "file": {"path": "records.jsonl"}})
        log.put(decided())
        await log.close(5)
    verifier = verified((tmp_path / "records.jsonl").read_bytes().splitlines())
    assert verifier.whole(partial=False)
    assert len(verifier.chains) == 2


async def test_without_sinks_nothing_happens(tmp_path: Path) -> None:
    lines = Lines()
    log = opened(tmp_path, {"stdout": False}, lines)
    log.put(decided())
    await log.close(5)
    assert lines.kept == []


SPOOL = {"path": "spool"}
URL = "https://collector.example.com/"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"file": {"path": "absent/records.jsonl"}}, "records.file.path 'absent/records.jsonl': cannot be written"),
    ({"file": {"path": "."}}, "records.file.path '.': cannot be written"),
    (
        {"collector": {"url": URL, "spool": {"path": "a-file"}}},
        "records.collector.spool.path 'a-file': cannot be used",
    ),
    ({"collector": {"url": URL, "caFile": "absent", "spool": SPOOL}}, "records.collector.caFile"),
    ({"collector": {"url": URL, "tokenFile": "absent", "spool": SPOOL}}, "records.collector.tokenFile"),
    ({"signing": {"keyFile": "absent"}}, "records.signing.keyFile 'absent': cannot be read"),
    ({"signing": {"keyFile": "a-file"}}, "records.signing.keyFile 'a-file': it holds no PEM private key"),
    ({"signing": {"keyFile": "public.pem"}}, "records.signing.keyFile 'public.pem': it holds no PEM private key"),
    ({"signing": {"keyFile": "locked.pem"}}, "records.signing.keyFile 'locked.pem': it needs a passphrase"),
    (
        {"signing": {"keyFile": "locked.pem", "passphraseFile": "absent"}},
        "records.signing.passphraseFile 'absent': cannot be read",
    ),
]


@pytest.mark.parametrize(("section", "text"), WRONG)
def test_a_sink_that_cannot_be_opened_is_named(tmp_path: Path, section: dict[str, Any], text: str) -> None:
    (tmp_path / "a-file").write_bytes(b"not a key")
    (tmp_path / "public.pem").write_bytes(public_pem("Ed25519"))
    (tmp_path / "locked.pem").write_bytes(private_pem("Ed25519", b"a passphrase"))
    with pytest.raises(ConfigurationError) as caught:
        opened(tmp_path, section)
    assert text in str(caught.value)
