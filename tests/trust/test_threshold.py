"""Thresholds and bounds, case group 16: keys are counted by what they are."""

from dataclasses import dataclass

import pytest

from tests.support.envelopes import dump, envelope, signature
from tests.support.keys import Signer, ecdsa, ed25519_key, rsa_pkcs1, rsa_pss
from tests.support.statements import IMAGE, REPOSITORY, predicate, statement
from tests.support.verdicts import UNTRUSTED, VERIFIED, trusting, verdict
from webhook.errors import UntrustedError
from webhook.limits import LIMITS
from webhook.model.pattern import RepositoryPattern
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import verify

A, B, C = ed25519_key("a"), ecdsa("p256", "b"), ed25519_key("c")
STRANGER = ed25519_key("stranger")
BODY = statement()


def _key(signer: Signer, name: str, environments: set[str] | None = None, pattern: str | None = None) -> TrustedKey:
    bound = None if environments is None else frozenset(environments)
    patterns = None if pattern is None else (RepositoryPattern.parse(pattern),)
    return TrustedKey(name, PublicKey.from_pem(signer.pem), bound, patterns)


SIGNED_BY = [
    ([A], 1, VERIFIED),
    ([A], 2, UNTRUSTED),
    ([A, A], 2, UNTRUSTED),
    ([B, B], 2, UNTRUSTED),  # ECDSA: two different signatures of one key
    ([A, B], 2, VERIFIED),
    ([B, A], 2, VERIFIED),
    ([A, STRANGER], 2, UNTRUSTED),
    ([A, STRANGER, B], 2, VERIFIED),
    ([A, B], 3, UNTRUSTED),
    ([A, B, C], 3, VERIFIED),
    ([A, B, C], 2, VERIFIED),
    ([A, B, C], 4, UNTRUSTED),
    ([], 1, UNTRUSTED),
    ([STRANGER], 1, UNTRUSTED),
]


@pytest.mark.parametrize(("signers", "threshold", "expected"), SIGNED_BY)
def test_distinct_keys_are_counted(signers: list[Signer], threshold: int, expected: str) -> None:
    raw = dump(envelope(BODY, signers))
    assert verdict(raw, trusting(A, B, C, threshold=threshold)) == expected


def test_key_under_two_names_counts_once() -> None:
    policy = TrustPolicy((_key(A, "first"), _key(A, "second")), 2)
    assert verdict(dump(envelope(BODY, [A, A])), policy) == UNTRUSTED


def test_rsa_key_with_two_schemes_counts_once() -> None:
    policy = TrustPolicy((_key(rsa_pkcs1(), "first"), _key(rsa_pss(), "second")), 2)
    assert verdict(dump(envelope(BODY, [rsa_pkcs1(), rsa_pss()])), policy) == UNTRUSTED


def test_lying_key_ids_do_not_raise_the_count() -> None:
    document = envelope(BODY, [])
    document["signatures"] = [signature(BODY, A) | {"keyid": name} for name in ("a", "b", "c")]
    assert verdict(dump(document), trusting(A, B, C, threshold=2)) == UNTRUSTED


def test_signers_are_the_keys_that_may_speak_sorted() -> None:
    policy = TrustPolicy((_key(B, "zoe"), _key(A, "adam"), _key(C, "mute", {"qa"})))
    found = verify(dump(envelope(BODY, [A, B, C])), IMAGE, REPOSITORY, policy)
    assert found.signers == ("adam", "zoe")


def test_key_under_two_names_is_named_by_those_that_may_speak() -> None:
    policy = TrustPolicy((_key(A, "everywhere"), _key(A, "qa-only", {"qa"})))
    assert verify(dump(envelope(BODY, [A])), IMAGE, REPOSITORY, policy).signers == ("everywhere",)


def test_threshold_holds_among_the_keys_that_may_speak() -> None:
    policy = TrustPolicy((_key(A, "a"), _key(B, "b", {"qa"})), 2)
    assert verdict(dump(envelope(BODY, [A, B])), policy) == UNTRUSTED


def test_too_few_keys_are_counted_in_the_refusal() -> None:
    with pytest.raises(UntrustedError) as caught:
        verify(dump(envelope(BODY, [A, STRANGER])), IMAGE, REPOSITORY, trusting(A, B, threshold=2))
    assert caught.value.detail == "signed by 1 of 2 trusted keys that are needed"


def test_nobody_is_trusted_without_keys() -> None:
    # NVIDIA cluster-readiness #334: an empty list made everything true.
    assert verdict(dump(envelope(BODY, [A])), TrustPolicy()) == UNTRUSTED
    assert verdict(dump(envelope(BODY, [])), TrustPolicy()) == UNTRUSTED


@dataclass(frozen=True)
class Bounds:
    environments: set[str] | None
    pattern: str | None


CART = "registry.example.com/shop/cart"
BOUNDS = [
    (Bounds(None, None), "staging", CART, VERIFIED),
    (Bounds(None, None), "anything", None, VERIFIED),
    (Bounds({"staging"}, None), "staging", CART, VERIFIED),
    (Bounds({"staging"}, None), "Staging", CART, VERIFIED),
    (Bounds({"staging"}, None), "STAGING", None, VERIFIED),
    (Bounds({"staging", "qa"}, None), "qa", CART, VERIFIED),
    (Bounds({"staging"}, None), "qa", CART, UNTRUSTED),
    (Bounds({"staging"}, None), "staging ", CART, UNTRUSTED),
    (Bounds({"staging"}, None), "staging2", CART, UNTRUSTED),
    (Bounds(set(), None), "staging", CART, UNTRUSTED),
    (Bounds(None, "registry.example.com/shop/*"), "staging", CART, VERIFIED),
    (Bounds(None, "registry.example.com/other/*"), "staging", CART, UNTRUSTED),
    (Bounds(None, "registry.example.com/shop/*"), "staging", "evil.com/registry.example.com/shop/cart", UNTRUSTED),
    (Bounds(None, "registry.example.com/shop/*"), "staging", None, UNTRUSTED),
    (Bounds(None, "registry.example.com/shop/*"), "staging", "", UNTRUSTED),
    (Bounds({"staging"}, "registry.example.com/shop/*"), "staging", CART, VERIFIED),
    (Bounds({"staging"}, "registry.example.com/other/*"), "staging", CART, UNTRUSTED),
    (Bounds({"qa"}, "registry.example.com/shop/*"), "staging", CART, UNTRUSTED),
]


@pytest.mark.parametrize(("bounds", "environment", "repository", "expected"), BOUNDS)
def test_key_speaks_within_its_bounds(
    bounds: Bounds, environment: str, repository: str | None, expected: str
) -> None:
    policy = TrustPolicy((_key(A, "a", bounds.environments, bounds.pattern),))
    raw = dump(envelope(statement(predicate=predicate(environment=environment)), [A]))
    assert verdict(raw, policy, IMAGE, repository) == expected


def test_key_without_any_pattern_speaks_for_no_repository() -> None:
    policy = TrustPolicy((TrustedKey("a", PublicKey.from_pem(A.pem), repositories=()),))
    assert verdict(dump(envelope(BODY, [A])), policy) == UNTRUSTED


def test_one_of_several_patterns_suffices() -> None:
    patterns = (RepositoryPattern.parse("ghcr.io/*"), RepositoryPattern.parse("registry.example.com/shop/cart"))
    policy = TrustPolicy((TrustedKey("a", PublicKey.from_pem(A.pem), repositories=patterns),))
    assert verdict(dump(envelope(BODY, [A])), policy) == VERIFIED


def test_work_is_bounded_by_size_and_signatures_and_distinct_keys() -> None:
    body = BODY + b" " * (LIMITS.verification_work // (LIMITS.signatures * 8))
    raw = dump(envelope(body, [A]) | {"signatures": [signature(body, A)] * LIMITS.signatures})
    others = [ed25519_key(f"other {number}") for number in range(8)]
    assert verdict(raw, trusting(A)) == VERIFIED
    assert verdict(raw, trusting(A, *others)) == UNTRUSTED
    copies = tuple(_key(A, f"copy {number}") for number in range(LIMITS.trusted_keys))
    assert verdict(raw, TrustPolicy(copies)) == VERIFIED
