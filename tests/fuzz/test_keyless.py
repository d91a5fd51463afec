"""Whatever is done to a bundle that a certificate signed, it says what it said, or an EvidenceError is raised."""

import base64
import copy
import json
import re
from typing import Any

from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.sigstore import Sigstore
from tests.simulators.sigstore_certificates import der
from tests.support.envelopes import b64, dump
from tests.support.identities import believing, identity
from tests.support.mutations import damaged_bytes, damaged_tree
from tests.support.statements import IMAGE, OTHER_IMAGE, REPOSITORY, predicate, statement
from webhook.errors import EvidenceError
from webhook.trust.certificate import _utf8_string
from webhook.trust.identity import PatternError, TextRule
from webhook.trust.verify import open_assertion, subject_digests, verify

WORLD = Sigstore()
POLICY = believing(WORLD)
ANYBODY = believing(WORLD, identity(TextRule.pattern(".*"), TextRule.pattern(".*")))
BODY = statement()
FIRST = [WORLD.bundle(BODY), WORLD.bundle_v2(BODY)]
SECOND = WORLD.bundle(statement(subjects=[IMAGE, OTHER_IMAGE], predicate=predicate(hotSymbolCount=9)))
EVIDENCE = verify(dump(FIRST[0]), IMAGE, REPOSITORY, POLICY).evidence
SECOND_EVIDENCE = verify(dump(SECOND), IMAGE, REPOSITORY, POLICY).evidence
LEAF = base64.b64decode(FIRST[0]["verificationMaterial"]["certificate"]["rawBytes"])
STAMPS = FIRST[1]["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
STAMP = base64.b64decode(STAMPS[0]["signedTimestamp"])


def holds(raw: bytes) -> None:
    """What verifies says the same as before; whatever reads raises nothing else."""
    for read in (subject_digests, lambda data: open_assertion(data, POLICY)):
        try:
            read(raw)
        except EvidenceError:
            continue
    for policy in (POLICY, ANYBODY):
        try:
            found = verify(raw, IMAGE, REPOSITORY, policy)
        except EvidenceError as error:
            assert error.__cause__ is None  # noqa: PT017 - most mutations are refused, some are not
            continue
        assert (found.evidence, found.signers) == (EVIDENCE, ("robot",))


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The leaves of a JSON tree."""
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if below is None:
        return [path]
    return [found for name, value in below for found in places(value, (*path, name))]


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


@given(st.sampled_from(FIRST).flatmap(damaged_tree))
def test_a_bundle_with_other_members_is_refused_or_says_the_same(document: Any) -> None:
    holds(json.dumps(document).encode())


@given(st.sampled_from(FIRST).flatmap(lambda bundle: damaged_bytes(dump(bundle))))
def test_a_damaged_bundle_is_refused_or_says_the_same(raw: bytes) -> None:
    holds(raw)


@given(damaged_bytes(LEAF))
def test_a_damaged_certificate_is_refused_or_says_the_same(certificate: bytes) -> None:
    bundle = copy.deepcopy(FIRST[0])
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = b64(certificate)
    holds(dump(bundle))


@given(damaged_bytes(STAMP))
def test_a_damaged_timestamp_is_refused_or_says_the_same(stamp: bytes) -> None:
    bundle = copy.deepcopy(FIRST[1])
    bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] = b64(
        stamp
    )
    holds(dump(bundle))


def signed_parts(bundle: Any) -> tuple[Any, ...]:
    """What must come from one signer: payload, signature, certificate, and the log's entry about them."""
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    body = material["tlogEntries"][0]["canonicalizedBody"]
    return envelope["payload"], envelope["signatures"][0]["sig"], material["certificate"]["rawBytes"], body


@given(st.data())
def test_members_of_two_valid_bundles_make_no_third_one(data: st.DataObject) -> None:
    bundle = copy.deepcopy(FIRST[0])
    paths = places(bundle)
    for path in data.draw(st.sets(st.sampled_from(paths), min_size=1, max_size=len(paths))):
        *above, last = path
        try:
            at(bundle, tuple(above))[last] = at(SECOND, path)
        except IndexError:
            continue  # The second's path in the log is shorter.
    try:
        found = verify(dump(bundle), IMAGE, REPOSITORY, POLICY)
    except EvidenceError:
        return
    # What nobody has signed, as the size of the log's tree, may be either's.
    ones = [(FIRST[0], EVIDENCE), (SECOND, SECOND_EVIDENCE)]
    assert (signed_parts(bundle), found.evidence) in [(signed_parts(one), evidence) for one, evidence in ones]


@given(damaged_bytes(dump(WORLD.trusted_root())))
def test_a_bundle_under_a_damaged_root_is_refused_or_says_the_same(content: bytes) -> None:
    try:
        policy = believing(content)
    except ValueError:
        return
    try:
        assert verify(dump(FIRST[1]), IMAGE, REPOSITORY, policy).evidence == EVIDENCE
    except EvidenceError:
        return


PIECES = st.sampled_from(["a", "b", ".", "[ab]", "a*", "b+", "(a|ab)", "(?:b|ba)?", "a{1,2}", "^", "$", "|"])


@given(st.lists(PIECES, max_size=6).map("".join), st.text("abc", max_size=8))
def test_a_pattern_means_what_pythons_engine_makes_of_the_whole_text(pattern: str, value: str) -> None:
    try:
        rule = TextRule.pattern(pattern)
    except PatternError:
        return
    assert rule.matches(value) == (re.fullmatch(pattern, value) is not None)


UTF8_STRINGS = st.text(max_size=300).map(lambda text: der(0x0C, text.encode()))


@given(st.one_of(st.binary(max_size=12), UTF8_STRINGS, UTF8_STRINGS.flatmap(damaged_bytes)))
def test_a_der_string_is_read_as_another_reader_reads_it(data: bytes) -> None:
    try:
        expected: str | None = asn1.decode_der(str, data)
    except ValueError:
        expected = None
    try:
        found: str | None = _utf8_string(data)
    except ValueError:
        found = None
    assert found == expected
