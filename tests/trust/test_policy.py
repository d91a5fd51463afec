"""The trust policy's own digest: part of every cache key, case group 23."""

import hashlib
import json

import pytest

from tests.support.identities import identity
from tests.support.keys import ed25519_key
from webhook.model.image import is_digest
from webhook.model.pattern import RepositoryPattern
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy

KEY = PublicKey.from_pem(ed25519_key("a").pem)
OTHER = PublicKey.from_pem(ed25519_key("b").pem)
PATTERN = RepositoryPattern.parse("ghcr.io/team/*")
BASE = TrustPolicy((TrustedKey("a", KEY), TrustedKey("b", OTHER)))

# ratify: a cache key that left something out. Whatever changes a verdict changes the digest.
CHANGES = [
    ("a key removed", TrustPolicy((TrustedKey("a", KEY),))),
    ("no keys", TrustPolicy()),
    ("a key replaced", TrustPolicy((TrustedKey("a", OTHER), TrustedKey("b", OTHER)))),
    ("a key renamed", TrustPolicy((TrustedKey("a", KEY), TrustedKey("c", OTHER)))),
    ("threshold", TrustPolicy(BASE.keys, 2)),
    ("predicate types", TrustPolicy(BASE.keys, predicate_types=frozenset({"x"}))),
    ("an environment", TrustPolicy((TrustedKey("a", KEY, frozenset({"qa"})), BASE.keys[1]))),
    ("no environment", TrustPolicy((TrustedKey("a", KEY, frozenset()), BASE.keys[1]))),
    ("a repository", TrustPolicy((TrustedKey("a", KEY, None, (PATTERN,)), BASE.keys[1]))),
    ("no repository", TrustPolicy((TrustedKey("a", KEY, None, ()), BASE.keys[1]))),
]


@pytest.mark.parametrize(("what", "policy"), CHANGES, ids=[row[0] for row in CHANGES])
def test_whatever_changes_a_verdict_changes_the_digest(what: str, policy: TrustPolicy) -> None:
    assert policy.digest != BASE.digest, what


def test_no_two_of_them_share_a_digest() -> None:
    assert len({policy.digest for _, policy in CHANGES}) == len(CHANGES)


def test_same_policy_has_the_same_digest() -> None:
    names = ["staging", "qa", "dev", "load"]
    one = TrustPolicy((TrustedKey("a", PublicKey.from_pem(ed25519_key("a").pem), frozenset(names)),))
    two = TrustPolicy((TrustedKey("a", KEY, frozenset(reversed(names))),))
    assert one.digest == two.digest


def test_digest_is_a_sha256() -> None:
    assert is_digest(BASE.digest)


@pytest.mark.parametrize("threshold", [0, -1])
def test_threshold_below_1_is_refused(threshold: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TrustPolicy(BASE.keys, threshold)


def test_the_digest_of_keys_alone_is_what_older_records_name() -> None:
    # Written out by hand from the members that a policy had before it could hold identities.
    members = {
        "keys": [
            {"environments": ["qa"], "keyId": KEY.key_id, "name": "a", "repositories": ["ghcr.io/team/*"]},
            {"environments": None, "keyId": OTHER.key_id, "name": "b", "repositories": None},
        ],
        "predicateTypes": ["https://stella.ops/executionEvidence@v1", "stella.ops/executionEvidence@v1"],
        "threshold": 2,
    }
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    policy = TrustPolicy((TrustedKey("a", KEY, frozenset({"qa"}), (PATTERN,)), BASE.keys[1]), 2)
    assert policy.digest == f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def test_identities_need_somebody_who_certifies_them() -> None:
    with pytest.raises(ValueError, match="trusted root"):
        TrustPolicy(BASE.keys, identities=(identity(),))
