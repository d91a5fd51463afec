from pathlib import Path

import pytest

from tests.harness.polling import poll_async
from tests.support.keys import ecdsa, ed25519_key
from webhook import files
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.trust import TrustFile
from webhook.settings.loading import load_settings

HEALTHY = 'execution_evidence_gate_operator_healthy{work="configuration"}'


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "INTERVAL_SECONDS", 0.01)


class Following:
    """A configuration that is followed, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.put("a.pub", ecdsa().pem)
        self.put("config.yaml", self.naming("a.pub"))
        self.metrics = OperatorMetrics()
        self.trust = TrustFile(load_settings(folder / "config.yaml"), self.metrics)
        self.changes = 0

    def put(self, name: str, content: bytes) -> None:
        files.write_atomically(self.folder / name, content)

    @staticmethod
    def naming(key: str) -> bytes:
        return f"trust: {{keys: [{{name: staging, file: {key}}}]}}".encode()

    def count(self) -> None:
        self.changes += 1

    def health(self) -> float | None:
        lines = self.metrics.render().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(HEALTHY)), None)

    async def is_at(self, changes: int, health: float) -> bool:
        return (self.changes, self.health()) == (changes, health)


@pytest.fixture
def following(tmp_path: Path) -> Following:
    return Following(tmp_path)


async def test_a_changed_key_is_told(following: Following) -> None:
    await following.trust.start(following.count)
    before = following.trust.policy.digest
    following.put("a.pub", ed25519_key().pem)
    await poll_async(lambda: following.is_at(1, 1), 5, "the change is told")
    await following.trust.stop()
    assert following.trust.policy.digest != before


async def test_a_change_of_something_else_is_not_told(following: Following) -> None:
    await following.trust.start(following.count)
    following.put("config.yaml", b"PolicyGates: {ExecutionEvidence: {Enabled: true}}\n" + following.naming("a.pub"))
    following.put("a.pub", ed25519_key().pem)
    await poll_async(lambda: following.is_at(1, 1), 5, "the later change is told")
    await following.trust.stop()
    assert following.changes == 1


async def test_a_broken_file_leaves_the_old_keys_until_the_missing_key_comes(following: Following) -> None:
    await following.trust.start(following.count)
    before = following.trust.policy.digest
    following.put("config.yaml", following.naming("b.pub"))
    await poll_async(lambda: following.is_at(0, 0), 5, "the file is refused")
    assert following.trust.policy.digest == before
    following.put("b.pub", ed25519_key().pem)
    await poll_async(lambda: following.is_at(1, 1), 5, "the key is read")
    await following.trust.stop()
    assert following.trust.policy.digest != before


async def test_whoever_wants_to_know_of_everything_is_told_of_it(following: Following) -> None:
    told: list[str] = []
    await following.trust.start(following.count, lambda: told.append(following.trust.settings.digest))
    before = following.trust.settings.digest
    following.put("config.yaml", b"PolicyGates: {ExecutionEvidence: {Enabled: true}}\n" + following.naming("a.pub"))

    async def noticed() -> bool:
        return bool(told)

    await poll_async(noticed, 5, "the change is told")
    await following.trust.stop()
    assert following.changes == 0
    assert told == [following.trust.settings.digest] != [before]
