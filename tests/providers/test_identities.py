"""Evidence that an identity signed, from the shelf to the answer."""

import asyncio
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.providers.asking import (
    NOW,
    STAGING,
    Shelf,
    Trusted,
    ask,
    candidate,
    observed,
    provider,
    reason,
    signed,
    told,
)
from tests.simulators.sigstore import Sigstore, root_bytes
from tests.support.envelopes import bundle, dump, envelope
from tests.support.statements import predicate, statement
from webhook.limits import LIMITS
from webhook.model.evidence import Lane
from webhook.providers import opening
from webhook.settings.loading import Settings, load_settings
from webhook.stores.protocol import Candidate

WORLD, OTHER = Sigstore(), Sigstore()
ROBOT = {"name": "robot", "issuer": "https://issuer.example.com", "subject": "robot@example.com"}


def configured(folder: Path, *, keys: tuple[Trusted, ...] = (), identity: Any = None, **section: Any) -> Settings:
    """Settings that trust an identity, `robot` by default."""
    (folder / "root.json").write_bytes(root_bytes(WORLD))
    document = {
        "PolicyGates": {"ExecutionEvidence": {"Enabled": True, **section}},
        "trust": {
            "keys": [key.entry(folder) for key in keys],
            "identities": [identity or ROBOT],
            "trustedRoot": "root.json",
        },
    }
    (folder / "gate.json").write_text(json.dumps(document))
    return load_settings(folder / "gate.json")


def certified(sigstore: Sigstore = WORLD, **changes: Any) -> Candidate:
    """Evidence that the simulator's identity signed."""
    body = statement(predicate=predicate(**observed(NOW), **changes))
    return candidate(dump(sigstore.bundle(body)))


async def test_evidence_of_a_trusted_identity_suffices_and_is_named(tmp_path: Path) -> None:
    result = await ask(provider(configured(tmp_path), Shelf(certified())))
    assert (reason(result), result.lane) == ("EvidenceSufficient", Lane.VERIFIED)
    assert told(result)["execution_evidence_signer"] == "robot"


async def test_what_is_found_says_whom_the_certificate_names_whatever_the_rule(tmp_path: Path) -> None:
    # Records and Events hold it: later nobody could tell which of the many it was that a pattern means.
    rule = {"name": "anybody", "issuer": ROBOT["issuer"], "subjectRegExp": ".*"}
    result = await ask(provider(configured(tmp_path, identity=rule), Shelf(certified())))
    named = "signed by anybody as robot@example.com (issuer https://issuer.example.com), observed in"
    assert named in told(result)["execution_evidence_detail"]


@pytest.mark.parametrize(
    ("identity", "sigstore", "expected"),
    [
        (ROBOT | {"subject": "other@example.com"}, WORLD, "EvidenceUntrusted"),
        (ROBOT | {"issuer": "https://other.example.com"}, WORLD, "EvidenceUntrusted"),
        (ROBOT, OTHER, "EvidenceUntrusted"),
        (ROBOT | {"environments": ["qa"]}, WORLD, "EvidenceUntrusted"),
        (ROBOT | {"repositories": ["registry.example.com/shop/*"]}, WORLD, "EvidenceSufficient"),
    ],
)
async def test_evidence_counts_for_whom_the_configuration_names(
    identity: Any, sigstore: Sigstore, expected: str, tmp_path: Path
) -> None:
    settings = configured(tmp_path, identity=identity)
    assert reason(await ask(provider(settings, Shelf(certified(sigstore))))) == expected


async def test_what_no_identity_signed_may_count_as_anybodys_word(tmp_path: Path) -> None:
    settings = configured(tmp_path, MinLane="Asserted")
    for sigstore, lane in ((WORLD, Lane.VERIFIED), (OTHER, Lane.ASSERTED)):
        result = await ask(provider(settings, Shelf(certified(sigstore))))
        assert (reason(result), result.lane) == ("EvidenceSufficient", lane)


async def test_as_anybodys_word_a_bundle_counts_whatever_it_brings_along(tmp_path: Path) -> None:
    document = json.loads(certified().raw)
    del document["verificationMaterial"]["tlogEntries"]
    settings = configured(tmp_path, MinLane="Asserted")
    result = await ask(provider(settings, Shelf(candidate(dump(document)))))
    assert (reason(result), result.lane) == ("EvidenceSufficient", Lane.ASSERTED)


async def test_keys_and_identities_are_believed_side_by_side(tmp_path: Path) -> None:
    settings = configured(tmp_path, keys=(Trusted(STAGING),))
    for evidence in (certified(), signed(STAGING, **observed(NOW))):
        assert reason(await ask(provider(settings, Shelf(evidence)))) == "EvidenceSufficient"


class CountingExecutor(ThreadPoolExecutor):
    """A real one; its jobs are counted."""

    jobs = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        """Counts a job and does it."""
        self.jobs += 1
        return super().submit(*args, **kwargs)


async def test_a_certificate_is_verified_in_a_thread_once_however_small_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = CountingExecutor(1)
    monkeypatch.setattr(opening, "_CERTIFIERS", executor)
    asked = provider(configured(tmp_path), Shelf(certified()))
    for repository in ("registry.example.com/a", "registry.example.com/b"):
        assert reason(await ask(asked, repository=repository)) == "EvidenceSufficient"
    assert executor.jobs == 1


async def test_without_keys_a_large_envelope_that_names_no_certificate_is_read_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = CountingExecutor(1)
    monkeypatch.setattr(opening, "_VERIFIERS", executor)
    raw = signed(STAGING, **observed(NOW)).raw + b" " * LIMITS.verification_thread_bytes
    asked = provider(configured(tmp_path), Shelf(candidate(raw)))
    assert (reason(await ask(asked)), executor.jobs) == ("EvidenceUntrusted", 1)


async def test_what_a_key_signed_does_not_stand_behind_what_strangers_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    executor = ThreadPoolExecutor(1)
    executor.submit(held.wait)
    monkeypatch.setattr(opening, "_CERTIFIERS", executor)
    settings = configured(tmp_path, keys=(Trusted(STAGING),))
    waiting = asyncio.create_task(ask(provider(settings, Shelf(certified()))))
    small = dump(bundle(envelope(statement(predicate=predicate(**observed(NOW))), [STAGING])))
    try:
        async with asyncio.timeout(10):
            for raw in (small, small + b" " * LIMITS.verification_thread_bytes):
                assert reason(await ask(provider(settings, Shelf(candidate(raw))))) == "EvidenceSufficient"
        assert not waiting.done()
    finally:
        held.set()
    assert reason(await waiting) == "EvidenceSufficient"


async def test_a_certificate_that_is_named_by_numbers_goes_to_the_thread_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = CountingExecutor(1)
    monkeypatch.setattr(opening, "_CERTIFIERS", executor)
    raw = certified().raw.replace(b'"certificate"', b'"\\u0063ertificate"')
    assert b'"certificate"' not in raw
    assert reason(await ask(provider(configured(tmp_path), Shelf(candidate(raw))))) == "EvidenceSufficient"
    assert executor.jobs == 1
