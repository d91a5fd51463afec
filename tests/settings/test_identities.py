"""Identities that are trusted, and the Sigstore that certifies them."""

from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, written
from tests.simulators.sigstore import Sigstore, root_bytes
from tests.support.envelopes import dump
from tests.support.keys import ed25519_key
from tests.support.statements import statement
from tests.support.verdicts import UNTRUSTED, VERIFIED, verdict
from webhook.settings.loading import Settings, load_settings

WORLD = Sigstore()
RAW = dump(WORLD.bundle(statement()))
ROBOT = {"name": "robot", "issuer": "https://issuer.example.com", "subject": "robot@example.com"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.json").write_bytes(root_bytes(WORLD))
    (tmp_path / "alice.pub").write_bytes(ed25519_key("alice").pem)
    return tmp_path


def trust(*identities: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"trust": {"trustedRoot": "root.json", "identities": list(identities), **rest}}


def without(member: str, **others: Any) -> dict[str, Any]:
    return {name: value for name, value in ROBOT.items() if name != member} | others


def load(folder: Path, document: dict[str, Any]) -> Settings:
    return load_settings(written(folder, document))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (ROBOT, VERIFIED),
        (without("subject", subjectRegExp="robot@example[.]com"), VERIFIED),
        (without("subject", subjectRegExp="^robot@.*$"), VERIFIED),
        (without("subject", subjectRegExp="robot"), UNTRUSTED),
        (without("issuer", issuerRegExp=r"https://issuer\.example\.(com|org)"), VERIFIED),
        (without("issuer", issuerRegExp="issuer"), UNTRUSTED),
        (ROBOT | {"subject": "robot@example.org"}, UNTRUSTED),
        (ROBOT | {"environments": ["Staging"]}, VERIFIED),
        (ROBOT | {"environments": ["qa"]}, UNTRUSTED),
        (ROBOT | {"repositories": ["registry.example.com/shop/*"]}, VERIFIED),
        (ROBOT | {"repositories": ["registry.example.com/other/*"]}, UNTRUSTED),
    ],
)
def test_an_identity_is_read_from_the_file(entry: dict[str, Any], expected: str, folder: Path) -> None:
    assert verdict(RAW, load(folder, trust(entry)).trust) == expected


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (without("issuer"), "trust.identities[0]: needs either `issuer` or `issuerRegExp`"),
        (without("subject"), "trust.identities[0]: needs either `subject` or `subjectRegExp`"),
        (ROBOT | {"issuerRegExp": "x"}, "trust.identities[0]: needs either `issuer` or `issuerRegExp`"),
        (ROBOT | {"subjectRegExp": "x"}, "trust.identities[0]: needs either `subject` or `subjectRegExp`"),
        (
            without("subject", subjectRegExp="("),
            "trust.identities[0].subjectRegExp: it is no regular expression that RE2 knows, or one that is too large",
        ),
        (
            without("issuer", issuerRegExp="((a{1,100}){1,100}){1,100}"),
            "trust.identities[0].issuerRegExp: it is no regular expression that RE2 knows, or one that is too large",
        ),
    ],
)
def test_an_identity_that_means_nobody_in_particular_is_refused(
    entry: dict[str, Any], line: str, folder: Path
) -> None:
    assert refusal(written(folder, trust(entry))) == [line]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "a b"),
        ("subject", ""),
        ("subject", "a b"),
        ("subject", "rob\u043et@example.com"),
        ("subject", "a" * 1025),
        ("subjectRegExp", ""),
        ("subjectRegExp", "a" * 1025),
        ("issuer", ["https://a"]),
        ("repositories", ["redis"]),
    ],
)
def test_a_member_that_cannot_be_meant_is_refused(member: str, value: Any, folder: Path) -> None:
    entry = without(member.removesuffix("RegExp"), **{member: value})
    place = refusal(written(folder, trust(entry)))[0].partition(":")[0]
    assert place.startswith(f"trust.identities[0].{member}")


def test_there_are_at_most_64_identities(folder: Path) -> None:
    # Each bundle is held against every one of them.
    many = [ROBOT | {"name": f"robot-{number}"} for number in range(65)]
    assert len(load(folder, trust(*many[:64])).trust.identities) == 64
    assert refusal(written(folder, trust(*many)))[0].startswith("trust.identities: ")


def test_an_unknown_member_is_told_with_the_nearest(folder: Path) -> None:
    line = "trust.identities[0].subjectRegex: unknown key, did you mean 'subjectRegExp'?"
    assert refusal(written(folder, trust(ROBOT | {"subjectRegex": "x"}))) == [line]


def test_identities_without_a_trusted_root_are_refused(folder: Path) -> None:
    document = trust(ROBOT)
    del document["trust"]["trustedRoot"]
    assert refusal(written(folder, document)) == [
        "trust.identities needs trust.trustedRoot, the `trusted_root.json` of the Sigstore that certifies them"
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read, or is larger than 1 MiB"),
        (b"{}", "it is no Sigstore trusted root (`trusted_root.json`)"),
        (b" " * (1024 * 1024 + 1), "cannot be read, or is larger than 1 MiB"),
    ],
)
def test_a_trusted_root_that_cannot_be_used_is_named(content: bytes | None, problem: str, folder: Path) -> None:
    (folder / "root.json").unlink() if content is None else (folder / "root.json").write_bytes(content)
    assert refusal(written(folder, trust(ROBOT))) == [f"trust.trustedRoot 'root.json': {problem}"]


KEY = {"name": "alice", "file": "alice.pub"}


@pytest.mark.parametrize("identities", [1, 3])
def test_identities_never_reach_a_threshold_of_two(identities: int, folder: Path) -> None:
    document = trust(*[ROBOT | {"name": f"robot-{number}"} for number in range(identities)], threshold=2)
    told = (
        "trust.threshold is higher than the number of distinct keys, and a bundle that an identity signed has one "
        "signer"
    )
    assert refusal(written(folder, document)) == [told]


def test_a_threshold_that_no_identity_reaches_gets_a_remark(folder: Path) -> None:
    (folder / "bob.pub").write_bytes(ed25519_key("bob").pem)
    keys = [KEY, {"name": "bob", "file": "bob.pub"}]
    remark = "trust.threshold is above 1: a bundle that an identity signed has one signer and never counts."
    assert remark in load(folder, trust(ROBOT, keys=keys, threshold=2)).remarks()
    assert remark not in load(folder, trust(ROBOT, keys=keys)).remarks()


REMARKS = [
    (without("subject", subjectRegExp=".*"), "subjectRegExp matches strangers: anybody can get such a subject."),
    (without("issuer", issuerRegExp=".*"), "issuerRegExp matches every issuer, so anybody can be its subject."),
]


@pytest.mark.parametrize(("entry", "remark"), REMARKS)
def test_a_rule_for_anybody_gets_a_remark(entry: dict[str, Any], remark: str, folder: Path) -> None:
    assert f"trust.identities 'robot': {remark}" in load(folder, trust(entry)).remarks()


def test_identities_are_enough_without_a_key(folder: Path) -> None:
    assert not [remark for remark in load(folder, trust(ROBOT)).remarks() if "trust" in remark]


def test_a_trusted_root_for_nobody_gets_a_remark_and_is_not_read(folder: Path) -> None:
    (folder / "root.json").write_bytes(b"no root")
    remark = "trust.trustedRoot is set and trust.identities is empty: no certificate counts."
    assert remark in load(folder, trust()).remarks()


def test_the_trusted_root_is_followed(folder: Path) -> None:
    assert load(folder, trust(ROBOT)).files() == [folder / "gate.yaml", folder / "root.json"]


def test_whatever_of_it_decides_changes_the_digest(folder: Path) -> None:
    documents = [
        trust(keys=[KEY]),
        trust(ROBOT, keys=[KEY]),
        trust(ROBOT | {"name": "other"}),
        trust(ROBOT | {"subject": "other@example.com"}),
        trust(without("subject", subjectRegExp=ROBOT["subject"])),
        trust(ROBOT | {"issuer": "https://other.example.com"}),
        trust(without("issuer", issuerRegExp=ROBOT["issuer"])),
        trust(ROBOT | {"environments": ["qa"]}),
        trust(ROBOT | {"repositories": ["ghcr.io/a/*"]}),
        trust(ROBOT, ROBOT | {"name": "other"}),
    ]
    digests = [load(folder, document).digest for document in documents]
    (folder / "root.json").write_bytes(root_bytes(Sigstore()))
    digests.append(load(folder, documents[1]).digest)
    assert len(set(digests)) == len(digests)


def test_a_policy_without_identities_has_the_digest_that_it_always_had(folder: Path) -> None:
    (folder / "plain").mkdir()
    (folder / "plain" / "alice.pub").write_bytes(ed25519_key("alice").pem)
    plain = load_settings(written(folder / "plain", {"trust": {"keys": [KEY]}}))
    assert load(folder, trust(keys=[KEY])).trust.digest == plain.trust.digest
