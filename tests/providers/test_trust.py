from pathlib import Path

import pytest

from tests.providers.asking import (
    SECOND,
    STAGING,
    STRANGER,
    Shelf,
    Trusted,
    ask,
    candidate,
    configured,
    provider,
    reason,
    signed,
    told,
)
from tests.support.envelopes import bundle, dump, envelope
from tests.support.keys import Signer
from tests.support.statements import OTHER_IMAGE, REPOSITORY, statement
from webhook.model.evidence import Lane
from webhook.stores.protocol import Candidate

SUFFICIENT, UNTRUSTED, MISSING = "EvidenceSufficient", "EvidenceUntrusted", "EvidenceMissing"
SHOP = ["registry.example.com/shop/*"]


@pytest.mark.parametrize(
    ("key", "evidence", "expected"),
    [
        (Trusted(STAGING, environments=["staging"]), signed(STAGING), SUFFICIENT),
        (Trusted(STAGING, environments=["STAGING"]), signed(STAGING, environment="Staging"), SUFFICIENT),
        (Trusted(STAGING, environments=["qa"]), signed(STAGING), UNTRUSTED),
        # Evidence of another environment by a key that may speak for it, and by one that may not.
        (Trusted(STAGING, environments=["qa"]), signed(STAGING, environment="qa"), "EvidenceFromOtherEnvironment"),
        (Trusted(STAGING, environments=["staging"]), signed(STAGING, environment="qa"), UNTRUSTED),
        (Trusted(STAGING, environments=[]), signed(STAGING), UNTRUSTED),
    ],
)
async def test_a_key_speaks_only_for_its_environments(
    key: Trusted, evidence: Candidate, expected: str, tmp_path: Path
) -> None:
    assert reason(await ask(provider(configured(tmp_path, key), Shelf(evidence)))) == expected


@pytest.mark.parametrize(
    ("repositories", "repository", "expected"),
    [
        (SHOP, REPOSITORY, SUFFICIENT),
        (SHOP, "registry.example.com/shopping/cart", UNTRUSTED),
        (SHOP, "evil.example/registry.example.com/shop/cart", UNTRUSTED),
        (SHOP, "", UNTRUSTED),
        (SHOP, None, UNTRUSTED),
        (["*.example.com/*"], None, UNTRUSTED),
        ([], REPOSITORY, UNTRUSTED),
        ([], None, UNTRUSTED),
        (None, None, SUFFICIENT),
        (None, "anything.example/at/all", SUFFICIENT),
    ],
)
async def test_a_key_speaks_only_for_its_repositories(
    repositories: list[str] | None, repository: str | None, expected: str, tmp_path: Path
) -> None:
    settings = configured(tmp_path, Trusted(STAGING, repositories=repositories))
    assert reason(await ask(provider(settings, Shelf(signed(STAGING))), repository=repository)) == expected


async def test_a_repository_that_is_not_named_is_a_null_one(tmp_path: Path) -> None:
    asked = provider(configured(tmp_path, Trusted(STAGING, repositories=SHOP)), Shelf(signed(STAGING)))
    bound, null = await ask(asked), await ask(asked, repository=None)
    assert (reason(bound), reason(null)) == (SUFFICIENT, UNTRUSTED)


async def test_what_is_remembered_for_one_repository_is_not_given_for_another(tmp_path: Path) -> None:
    asked = provider(configured(tmp_path, Trusted(STAGING, repositories=SHOP)), Shelf(signed(STAGING)))
    for _ in range(2):
        assert reason(await ask(asked)) == SUFFICIENT
        assert reason(await ask(asked, repository="ghcr.io/other/cart")) == UNTRUSTED


async def test_what_is_remembered_for_one_image_is_not_given_for_another(tmp_path: Path) -> None:
    asked = provider(configured(tmp_path), Shelf(signed(STAGING)))
    for _ in range(2):
        assert reason(await ask(asked)) == SUFFICIENT
        assert reason(await ask(asked, image_digest=OTHER_IMAGE)) == MISSING


BOTH = (Trusted(STAGING), Trusted(SECOND))


@pytest.mark.parametrize(
    ("signers", "expected"),
    [
        ([], UNTRUSTED),
        ([STAGING], UNTRUSTED),
        ([STAGING, STAGING], UNTRUSTED),
        ([STAGING, STRANGER], UNTRUSTED),
        ([STAGING, SECOND], SUFFICIENT),
        ([STRANGER, SECOND, STAGING], SUFFICIENT),
    ],
)
async def test_a_threshold_counts_distinct_trusted_keys(signers: list[Signer], expected: str, tmp_path: Path) -> None:
    settings = configured(tmp_path, *BOTH, threshold=2)
    assert reason(await ask(provider(settings, Shelf(signed(*signers))))) == expected


async def test_a_key_under_two_names_counts_once(tmp_path: Path) -> None:
    settings = configured(tmp_path, *BOTH, Trusted(STAGING, "again"), threshold=2)
    assert reason(await ask(provider(settings, Shelf(signed(STAGING))))) == UNTRUSTED


async def test_a_key_that_may_not_speak_does_not_count_towards_the_threshold(tmp_path: Path) -> None:
    settings = configured(tmp_path, Trusted(STAGING), Trusted(SECOND, environments=["qa"]), threshold=2)
    assert reason(await ask(provider(settings, Shelf(signed(STAGING, SECOND))))) == UNTRUSTED


async def test_two_statements_of_one_signer_each_do_not_make_a_threshold(tmp_path: Path) -> None:
    settings = configured(tmp_path, *BOTH, threshold=2)
    assert reason(await ask(provider(settings, Shelf(signed(STAGING), signed(SECOND))))) == UNTRUSTED


UNSIGNED, OWN, FOREIGN = signed(), signed(STAGING), signed(STRANGER)


@pytest.mark.parametrize(
    ("minimum", "evidence", "expected", "lane"),
    [
        ("Verified", OWN, SUFFICIENT, Lane.VERIFIED),
        ("Verified", FOREIGN, UNTRUSTED, Lane.ASSERTED),
        ("Verified", UNSIGNED, UNTRUSTED, Lane.ASSERTED),
        ("Asserted", OWN, SUFFICIENT, Lane.VERIFIED),
        ("Asserted", FOREIGN, SUFFICIENT, Lane.ASSERTED),
        ("Asserted", UNSIGNED, SUFFICIENT, Lane.ASSERTED),
        ("Asserted", signed(hotSymbolCount=1), "EvidenceInsufficient", Lane.ASSERTED),
        ("Asserted", signed(hotSymbolCount=-1), "EvidenceMalformed", Lane.ASSERTED),
        ("Asserted", signed(environment="qa"), "EvidenceFromOtherEnvironment", Lane.ASSERTED),
        ("Asserted", candidate(dump(bundle(envelope(statement(), [])))), SUFFICIENT, Lane.ASSERTED),
        ("Asserted", candidate(dump(envelope(statement(predicateType="x"), []))), MISSING, Lane.ASSERTED),
        ("Asserted", candidate(dump(envelope(statement(subjects=[OTHER_IMAGE]), []))), MISSING, Lane.ASSERTED),
        ("Asserted", candidate(b"{}"), "EvidenceMalformed", Lane.ASSERTED),
    ],
)
async def test_the_lane_says_how_far_evidence_may_be_believed(
    minimum: str, evidence: Candidate, expected: str, lane: Lane, tmp_path: Path
) -> None:
    result = await ask(provider(configured(tmp_path, MinLane=minimum), Shelf(evidence)))
    assert reason(result) == expected
    assert result.lane is lane


@pytest.mark.parametrize("evidence", [UNSIGNED, FOREIGN])
async def test_an_assertion_names_no_signer(evidence: Candidate, tmp_path: Path) -> None:
    metadata = told(await ask(provider(configured(tmp_path, MinLane="Asserted"), Shelf(evidence))))
    assert metadata["execution_evidence_signer"] == ""
    assert "not signed by a trusted key" in metadata["execution_evidence_detail"]


async def test_a_key_beyond_its_bounds_asserts_only(tmp_path: Path) -> None:
    settings = configured(tmp_path, Trusted(STAGING, environments=["qa"]), MinLane="Asserted")
    result = await ask(provider(settings, Shelf(OWN)))
    assert result.lane is Lane.ASSERTED
    assert told(result)["execution_evidence_signer"] == ""


@pytest.mark.parametrize("order", [["canary", "production"], ["production", "canary"]])
async def test_the_lane_that_one_environment_takes_is_not_taken_in_another(order: list[str], tmp_path: Path) -> None:
    settings = configured(tmp_path, Overrides={"canary": {"MinLane": "Asserted"}})
    asked = provider(settings, Shelf(UNSIGNED))
    answers = {name: reason(await ask(asked, environment=name)) for name in order}
    assert answers == {"canary": SUFFICIENT, "production": UNTRUSTED}


async def test_a_key_that_was_removed_is_believed_no_longer(tmp_path: Path) -> None:
    shelf = Shelf(OWN)
    assert reason(await ask(provider(configured(tmp_path, *BOTH), shelf))) == SUFFICIENT
    assert reason(await ask(provider(configured(tmp_path, Trusted(SECOND)), shelf))) == UNTRUSTED
