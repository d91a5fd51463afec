"""The trusted root: what it must hold, and that each of its parts counts in its own time alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulators.sigstore import Sigstore, assembled
from tests.simulators.sigstore_certificates import BEGAN, SIGNED_AT, Leaf
from tests.support.envelopes import dump
from tests.support.identities import believing
from tests.support.statements import IMAGE, REPOSITORY
from tests.support.verdicts import UNTRUSTED, VERIFIED, verdict
from tests.trust.keyless_cases import BODY, OTHER, WORLD
from webhook.errors import UntrustedError
from webhook.model.image import is_digest
from webhook.trust.root import SignedTimes, TrustedRoot, TrustedRootError, _opened
from webhook.trust.verify import verify

SECOND = timedelta(seconds=1)
NOW_AND_LATER = (SIGNED_AT, None)
UNTIL_NOW = (BEGAN, SIGNED_AT)
BEFORE = (BEGAN, SIGNED_AT - SECOND)
AFTER = (SIGNED_AT + SECOND, None)
FUTURE = datetime(2033, 1, 1, tzinfo=UTC)
LATER = FUTURE + timedelta(days=20)
LATE_LEAF = Leaf(not_before=LATER - timedelta(seconds=5), sct_at=LATER)
V1: Callable[[], dict[str, Any]] = lambda: WORLD.bundle(BODY)  # noqa: E731 - a table's column
V2: Callable[[], dict[str, Any]] = lambda: WORLD.bundle_v2(BODY)  # noqa: E731 - as above


@pytest.mark.parametrize("make", [V1, V2], ids=["Rekor 1", "Rekor 2"])
@pytest.mark.parametrize("part", ["authority", "certificate_log", "log"])
@pytest.mark.parametrize(
    ("window", "expected"),
    [(NOW_AND_LATER, VERIFIED), (UNTIL_NOW, VERIFIED), (BEFORE, UNTRUSTED), (AFTER, UNTRUSTED)],
    ids=["from now", "until now", "before", "after"],
)
def test_a_part_of_the_root_counts_in_its_time_alone(
    window: tuple[datetime, datetime | None], expected: str, part: str, make: Callable[[], dict[str, Any]]
) -> None:
    # A key that got lost is given up by ending its time; sigstore-python alone would go on believing it.
    policy = believing(dump(WORLD.trusted_root(**{part: window})))
    assert verdict(dump(make()), policy) == expected


@pytest.mark.parametrize(("window", "expected"), [(NOW_AND_LATER, VERIFIED), (BEFORE, UNTRUSTED), (AFTER, UNTRUSTED)])
def test_a_timestamp_authority_counts_in_its_time_alone(
    window: tuple[datetime, datetime | None], expected: str
) -> None:
    assert verdict(dump(V2()), believing(dump(WORLD.trusted_root(timestamps=window)))) == expected


@pytest.mark.parametrize("part", ["authority", "log"])
@pytest.mark.parametrize(
    ("window", "delta"), [(UNTIL_NOW, SECOND), (NOW_AND_LATER, -SECOND)], ids=["after its end", "before its begin"]
)
@pytest.mark.parametrize("which", ["promised", "stamped"])
def test_each_time_that_a_bundle_proves_must_lie_in_a_part_s_time(
    which: str, window: tuple[datetime, datetime | None], delta: timedelta, part: str
) -> None:
    # Else whoever holds a key that was given up adds a true time of somebody else's.
    signed = WORLD.sign(BODY)
    promised, stamp = (SIGNED_AT + delta * (which == name) for name in ("promised", "stamped"))
    bundle = dump(assembled(signed, WORLD.entry(signed, promised), WORLD.stamp(signed, stamp)))
    assert verdict(bundle, believing(WORLD)) == VERIFIED
    assert verdict(bundle, believing(dump(WORLD.trusted_root(**{part: window})))) == UNTRUSTED


def test_the_certificate_log_s_time_is_when_it_took_up_the_certificate() -> None:
    policy = believing(dump(WORLD.trusted_root(certificate_log=UNTIL_NOW)))
    late = Leaf(sct_at=SIGNED_AT + SECOND)
    assert verdict(dump(WORLD.bundle(BODY, late)), policy) == UNTRUSTED
    assert verdict(dump(WORLD.bundle(BODY, late)), believing(WORLD)) == VERIFIED


def test_a_refusal_for_the_time_says_so() -> None:
    with pytest.raises(UntrustedError) as caught:
        verify(dump(V1()), IMAGE, REPOSITORY, believing(dump(WORLD.trusted_root(log=AFTER))))
    assert caught.value.detail == "signed at a time for which the trusted root names no authority or no log"


def joined(one: Sigstore, other: Sigstore, **windows: tuple[datetime, datetime | None]) -> bytes:
    """A root of two; the windows are the first's."""
    first, second = one.trusted_root(**windows), other.trusted_root()
    return dump({name: value if name == "mediaType" else value + second[name] for name, value in first.items()})


def test_a_root_may_name_several_of_each() -> None:
    policy = believing(joined(WORLD, OTHER))
    for sigstore in (WORLD, OTHER):
        for bundle in (sigstore.bundle(BODY), sigstore.bundle_v2(BODY)):
            assert verdict(dump(bundle), policy) == VERIFIED


def test_the_end_of_one_is_not_the_end_of_another() -> None:
    policy = believing(joined(WORLD, OTHER, authority=BEFORE, log=BEFORE, certificate_log=BEFORE))
    assert verdict(dump(WORLD.bundle(BODY)), policy) == UNTRUSTED
    assert verdict(dump(OTHER.bundle(BODY)), policy) == VERIFIED


def test_verifiers_that_are_kept_do_not_mix_their_times() -> None:
    policy = believing(joined(WORLD, OTHER, log=UNTIL_NOW))
    early, late = (WORLD.bundle(BODY, at=SIGNED_AT + delta) for delta in (timedelta(0), SECOND))
    for _ in range(2):
        assert verdict(dump(early), policy) == VERIFIED
        assert verdict(dump(late), policy) == UNTRUSTED


def unusable(log: dict[str, Any], **key: Any) -> dict[str, Any]:
    """A log with a key that nobody can use."""
    return log | {"publicKey": log["publicKey"] | ({"rawBytes": "MAA="} | key)}


GOOD = WORLD.trusted_root()
BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"trusted root",
    "no object": b"[]",
    "another document": dump({"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}),
    "another version": dump(GOOD | {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=9"}),
    "a name twice": b'{"mediaType": "another", ' + dump(GOOD)[1:],
    "an end without a zone": dump(WORLD.trusted_root(authority=(BEGAN, FUTURE))).replace(
        b'01T00:00:00Z"', b'01T00:00:00"'
    ),
    "no log with a key": dump(GOOD | {"tlogs": [unusable(GOOD["tlogs"][0])]}),
    "no certificate log with a key": dump(GOOD | {"ctlogs": [unusable(GOOD["ctlogs"][0])]}),
    "a log's time without a zone": dump(
        GOOD | {"tlogs": json.loads(json.dumps(GOOD["tlogs"]).replace('00Z"', '00"'))}
    ),
    "no authorities": dump(GOOD | {"certificateAuthorities": []}),
    "no certificate logs": dump(GOOD | {"ctlogs": []}),
    "no logs": dump(GOOD | {"tlogs": []}),
    "a member missing": dump({name: value for name, value in GOOD.items() if name != "ctlogs"}),
    "a certificate that is none": dump(GOOD).replace(
        b'"certChain": {"certificates": [{"rawBytes": "MI', b'"certChain": {"certificates": [{"rawBytes": "AA'
    ),
    "a time without a zone": dump(GOOD).replace(b'00Z"', b'00"'),
    "too large": dump(GOOD) + b" " * 1024 * 1024,
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_root_that_cannot_be_used_is_refused(case: str) -> None:
    with pytest.raises(TrustedRootError) as caught:
        TrustedRoot.load(BROKEN[case])
    assert caught.value.__cause__ is None
    assert str(caught.value).startswith(("it is ", "it names ", "it holds "))


def test_a_root_without_timestamp_authorities_is_enough_for_rekor_1() -> None:
    policy = believing(dump({name: value for name, value in GOOD.items() if name != "timestampAuthorities"}))
    assert verdict(dump(V1()), policy) == VERIFIED
    assert verdict(dump(V2()), policy) == UNTRUSTED


def test_the_digest_is_over_the_file_s_bytes() -> None:
    one, two = (TrustedRoot.load(content) for content in (dump(GOOD), json.dumps(GOOD, indent=1).encode()))
    assert is_digest(one.digest)
    assert one.digest != two.digest
    assert one == TrustedRoot.load(dump(GOOD))


@pytest.mark.parametrize("part", ["authority", "certificate_log", "log", "timestamps"])
def test_what_a_root_names_for_later_counts_for_later_whatever_the_clock_says(part: str) -> None:
    # A root names the next authority ahead of time. Nobody's bundle may decide when that one is taken in.
    policy = believing(dump(WORLD.trusted_root(**{part: (FUTURE, None)})))
    for _ in range(2):
        assert verdict(dump(WORLD.bundle_v2(BODY, LATE_LEAF, at=LATER)), policy) == VERIFIED
        assert verdict(dump(OTHER.bundle_v2(BODY, LATE_LEAF, at=LATER)), policy) == UNTRUSTED
        assert verdict(dump(WORLD.bundle_v2(BODY)), policy) == UNTRUSTED


def test_a_claim_about_a_time_with_another_authority_alone_is_refused() -> None:
    policy = believing(joined(WORLD, OTHER, authority=(FUTURE, None), log=(FUTURE, None)))
    stranger = Sigstore()
    for at, leaf in ((SIGNED_AT, Leaf()), (LATER, LATE_LEAF)):
        assert verdict(dump(stranger.bundle_v2(BODY, leaf, at=at)), policy) == UNTRUSTED
    assert verdict(dump(OTHER.bundle_v2(BODY)), policy) == VERIFIED
    assert verdict(dump(WORLD.bundle_v2(BODY, LATE_LEAF, at=LATER)), policy) == VERIFIED


def test_of_a_root_with_many_windows_few_verifiers_are_kept() -> None:
    log = GOOD["tlogs"][0]
    begins = [SIGNED_AT + SECOND * number for number in range(20)]
    logs = [WORLD.trusted_root(log=(begin, None))["tlogs"][0] for begin in begins]
    root = TrustedRoot.load(dump(GOOD | {"tlogs": [log, *logs]}))
    for begin in begins:
        root.verifier(SignedTimes((begin,), (), SIGNED_AT))
    assert len(_opened(root.content)._verifiers) <= 16


UNUSABLE = [
    {"rawBytes": "MAA="},
    {"keyDetails": "ML_DSA_65", "rawBytes": "MAA="},
    {"keyDetails": "PKIX_ED25519", "rawBytes": GOOD["tlogs"][0]["publicKey"]["rawBytes"]},
]


@pytest.mark.parametrize("key", UNUSABLE, ids=["no key", "of a new kind", "of another kind"])
def test_what_of_a_root_cannot_be_used_is_left_out_in_silence(
    key: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    # sigstore-python would write a warning for each bundle of anybody.
    more = {name: [*GOOD[name], unusable(GOOD[name][0], **key)] for name in ("tlogs", "ctlogs")}
    authority = GOOD["timestampAuthorities"][0]
    chain = authority["certChain"]["certificates"]
    broken = [
        authority | {"certChain": {"certificates": found}} for found in (chain[:1], [{"rawBytes": "MAA="}, *chain])
    ]
    policy = believing(dump(GOOD | more | {"timestampAuthorities": [*broken, authority]}))
    for bundle in (V1(), V2()):
        assert verdict(dump(bundle), policy) == VERIFIED
    assert caplog.records == []
