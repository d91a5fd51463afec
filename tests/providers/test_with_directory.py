from pathlib import Path

import pytest

from tests.providers.asking import STAGING, STRANGER, ask, configured, provider, reason, signed
from webhook.stores.directory import DirectoryStore
from webhook.stores.protocol import Candidate


async def verdict(folder: Path, settings_folder: Path) -> str:
    store = DirectoryStore(folder)
    await store.start()
    try:
        return reason(await ask(provider(configured(settings_folder), store)))
    finally:
        await store.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds a file which cannot be read."""
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "unreadable").symlink_to("/proc/self/mem")
    return evidence


async def test_sufficient_evidence_passes_beside_a_file_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    (folder / "cart").write_bytes(signed(STAGING).raw)
    assert await verdict(folder, tmp_path) == "EvidenceSufficient"


@pytest.mark.parametrize(
    "beside", [None, signed(STRANGER), signed(STAGING, hotSymbolCount=1), signed(STAGING, environment="qa")]
)
async def test_a_file_that_cannot_be_read_might_have_been_sufficient(
    beside: Candidate | None, folder: Path, tmp_path: Path
) -> None:
    if beside is not None:
        (folder / "cart").write_bytes(beside.raw)
    assert await verdict(folder, tmp_path) == "evidence_unavailable"
