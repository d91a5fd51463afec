"""Decision Gate's rule of what may be shown."""

import pytest

from webhook.model.disclosure import Disclosure
from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceHash,
    EvidenceProblem,
    EvidenceReference,
    EvidenceResult,
    EvidenceSignature,
    EvidenceValue,
    Lane,
)

HIT = EvidenceResult(
    value=EvidenceValue("json", "production"),
    lane=Lane.VERIFIED,
    evidence_hash=EvidenceHash("80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"),
    evidence_ref=EvidenceReference("directory:a"),
    evidence_anchor=EvidenceAnchor("env", "DEPLOY_ENV"),
    signature=EvidenceSignature("ed25519", "key", (0,) * 64),
    content_type="text/plain",
)
MISSING = EvidenceResult(lane=Lane.VERIFIED, evidence_anchor=EvidenceAnchor("env", "UNSET"))
FAILED = EvidenceResult(error=EvidenceProblem("provider_error", "…"), evidence_anchor=EvidenceAnchor("env", "A"))


# Allowed at all, opt-in required, opted in: shown if the first, and the third unless the second is false.
@pytest.mark.parametrize(
    ("allow", "required", "opted_in", "shown"),
    [
        (False, True, True, False),
        (False, True, False, False),
        (False, False, True, False),
        (False, False, False, False),
        (True, True, False, False),
        (True, True, True, True),
        (True, False, False, True),
        (True, False, True, True),
    ],
)
def test_a_value_is_shown_if_it_may_be_and_its_provider_agrees(
    *, allow: bool, required: bool, opted_in: bool, shown: bool
) -> None:
    policy = Disclosure(allow, required, frozenset({"env"} if opted_in else {"other"}))
    assert policy.shows_raw("env") is shown
    assert (policy.disclosed(HIT, "env") == HIT) is shown


def test_by_default_nothing_is_shown() -> None:
    assert Disclosure() == Disclosure(allow_raw_values=False, require_provider_opt_in=True, opted_in=frozenset())


def test_what_is_not_shown_is_the_value_and_its_type_alone() -> None:
    hidden = Disclosure().disclosed(HIT, "env").to_json()
    assert hidden == HIT.to_json() | {"value": None, "content_type": None}


def test_a_hidden_value_has_a_hash_and_a_missing_one_has_none() -> None:
    assert Disclosure().disclosed(HIT, "env").evidence_hash == HIT.evidence_hash
    assert Disclosure().disclosed(MISSING, "env").evidence_hash is None


@pytest.mark.parametrize("result", [MISSING, FAILED])
def test_an_answer_without_a_value_hides_nothing(result: EvidenceResult) -> None:
    assert Disclosure().disclosed(result, "env") == result
