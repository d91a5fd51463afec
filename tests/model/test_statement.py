"""The in-toto statement, case groups 18 and 19."""

import json
from typing import Any

import pytest

from tests.support.statements import (
    ABSENT,
    IMAGE,
    OTHER_IMAGE,
    STATEMENT_V01,
    STATEMENT_V1,
    predicate,
    statement,
    subject,
)
from tests.support.verdicts import MALFORMED, reason_of
from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.statement import ExecutionEvidence, Statement

HEX = IMAGE.removeprefix("sha256:")

# What is wrong, the change, the verdict.
STATEMENTS: list[tuple[str, dict[str, Any], str]] = [
    ("v1", {"type": STATEMENT_V1}, "accepted"),
    ("v0.1, as cosign writes it", {"type": STATEMENT_V01}, "accepted"),
    ("no _type", {"type": ABSENT}, MALFORMED),
    ("empty _type", {"type": ""}, MALFORMED),
    ("_type null", {"type": None}, MALFORMED),
    ("_type a number", {"type": 1}, MALFORMED),
    ("_type v2", {"type": "https://in-toto.io/Statement/v2"}, MALFORMED),
    ("_type with a slash", {"type": STATEMENT_V1 + "/"}, MALFORMED),
    ("_type in upper case", {"type": STATEMENT_V1.upper()}, MALFORMED),
    ("_type http", {"type": STATEMENT_V1.replace("https", "http")}, MALFORMED),
    ("type without the underscore", {"type": ABSENT, "Type": STATEMENT_V1}, MALFORMED),
    ("no predicateType", {"predicateType": ABSENT}, MALFORMED),
    ("predicateType null", {"predicateType": None}, MALFORMED),
    ("predicateType a list", {"predicateType": ["stella.ops/executionEvidence@v1"]}, MALFORMED),
    ("predicate_type", {"predicateType": ABSENT, "predicate_type": "x"}, MALFORMED),
    ("another predicateType", {"predicateType": "https://slsa.dev/provenance/v1"}, "accepted"),
    ("no subject", {"subject": ABSENT}, MALFORMED),
    ("subject null", {"subject": None}, MALFORMED),
    ("subject empty", {"subject": []}, MALFORMED),
    ("subject an object", {"subject": subject(IMAGE)}, MALFORMED),
    ("subject a text", {"subject": IMAGE}, MALFORMED),
    ("subject of texts", {"subject": [IMAGE]}, MALFORMED),
    ("subject of null", {"subject": [None]}, MALFORMED),
    ("subject without digest", {"subject": [{"name": "x"}]}, MALFORMED),
    ("subject with an empty digest", {"subject": [{"name": "x", "digest": {}}]}, MALFORMED),
    ("subject with digest null", {"subject": [{"name": "x", "digest": None}]}, MALFORMED),
    ("subject with a digest text", {"subject": [{"name": "x", "digest": IMAGE}]}, MALFORMED),
    ("subject with a digest number", {"subject": [{"name": "x", "digest": {"sha256": 1}}]}, MALFORMED),
    ("subject with 16 digests", {"subject": [{"digest": {f"a{i}": "0" for i in range(16)}}]}, "accepted"),
    ("subject with 17 digests", {"subject": [{"digest": {f"a{i}": "0" for i in range(17)}}]}, MALFORMED),
    ("subject without name", {"subject": [{"digest": {"sha256": HEX}}]}, "accepted"),
    ("subject with name null", {"subject": [{"name": None, "digest": {"sha256": HEX}}]}, MALFORMED),
    ("subject with a long name", {"subject": [subject(IMAGE, "n" * 2048)]}, "accepted"),
    ("subject with a longer name", {"subject": [subject(IMAGE, "n" * 2049)]}, MALFORMED),
    ("as many subjects as allowed", {"subject": [subject(IMAGE)] * LIMITS.subjects}, "accepted"),
    ("one subject more", {"subject": [subject(IMAGE)] * (LIMITS.subjects + 1)}, MALFORMED),
    ("5,000 subjects", {"subject": [subject(IMAGE)] * 5000}, MALFORMED),
    ("one bad subject among good ones", {"subject": [subject(IMAGE), {"name": "x"}]}, MALFORMED),
    ("no predicate", {"predicate": ABSENT}, "accepted"),
    ("members of others", {"annotations": {"a": 1}}, "accepted"),
]

NO_STATEMENTS = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{}",
    b"hello world",
    b"\xff",
    b'{"_type":1}',
    statement() + b"x",
]

# Subjects, then which of IMAGE and OTHER_IMAGE the statement is about.
SUBJECTS: list[tuple[str, list[dict[str, Any]], set[str]]] = [
    ("this image", [subject(IMAGE)], {IMAGE}),
    ("another image", [subject(OTHER_IMAGE)], {OTHER_IMAGE}),
    ("the right one among three", [subject(OTHER_IMAGE), subject(IMAGE), subject("sha512:00")], {IMAGE, OTHER_IMAGE}),
    ("index and child", [subject(IMAGE, "index"), subject(OTHER_IMAGE, "linux/amd64")], {IMAGE, OTHER_IMAGE}),
    ("only sha512", [subject("sha512:" + HEX * 2)], set()),
    ("sha512 beside sha256", [{"digest": {"sha512": HEX * 2, "sha256": HEX}}], {IMAGE}),
    ("the hex under another algorithm", [{"digest": {"sha512": HEX, "gitCommit": HEX}}], set()),
    ("upper case", [subject("sha256:" + HEX.upper())], set()),
    ("upper-case algorithm", [subject("SHA256:" + HEX)], set()),
    ("short", [subject("sha256:" + HEX[:-1])], set()),
    ("with the algorithm in the value", [{"digest": {"sha256": IMAGE}}], set()),
    ("with a line break", [{"digest": {"sha256": HEX + "\n"}}], set()),
    ("with a space", [{"digest": {"sha256": " " + HEX}}], set()),
    ("empty", [{"digest": {"sha256": ""}}], set()),
    ("the digest as the name only", [{"name": IMAGE, "digest": {"sha1": "00"}}], set()),
]


@pytest.mark.parametrize(("what", "changes", "expected"), STATEMENTS, ids=[row[0] for row in STATEMENTS])
def test_statement_is_read_or_malformed(what: str, changes: dict[str, Any], expected: str) -> None:
    assert reason_of(lambda: Statement.parse(statement(**changes))) == expected, what


@pytest.mark.parametrize("payload", NO_STATEMENTS)
def test_bytes_that_are_no_statement_are_malformed(payload: bytes) -> None:
    assert reason_of(lambda: Statement.parse(payload)) == MALFORMED


@pytest.mark.parametrize(("what", "subjects", "expected"), SUBJECTS, ids=[row[0] for row in SUBJECTS])
def test_statement_is_about_its_well_formed_sha256_subjects(
    what: str, subjects: list[dict[str, Any]], expected: set[str]
) -> None:
    assert Statement.parse(statement(subject=subjects)).digests() == expected, what


def test_duplicate_member_is_malformed() -> None:
    twice = statement().replace(b'{"_type"', b'{"predicateType": "x", "_type"')
    assert reason_of(lambda: Statement.parse(twice)) == MALFORMED


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (statement(subject=[]), "`subject`"),
        (statement(predicateType=1), "`predicateType`"),
        (statement(type=1), "`_type`"),
        (b"[]", "its top level"),
    ],
)
def test_refusal_names_the_member_at_fault(payload: bytes, named: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Statement.parse(payload)
    assert caught.value.detail == f"the statement is not valid at {named}"


def test_refusal_quotes_no_value() -> None:
    with pytest.raises(MalformedError) as caught:
        Statement.parse(statement(predicate=predicate(environment=["tok"]))).read_predicate(ExecutionEvidence)
    assert caught.value.detail == "the predicate is not valid at `environment`"
    assert caught.value.__suppress_context__


def test_statement_keeps_its_predicate_unread() -> None:
    document = json.loads(statement(predicate={"anything": [1]}))
    assert Statement.parse(json.dumps(document).encode()).predicate == {"anything": [1]}
