"""`evidence-gate evidence` about what an identity signed: whom the certificate names."""

import json
from pathlib import Path

import pytest

from tests.cli.listing import DIGEST, document, listed, table
from tests.cli.reviewing import configure
from tests.simulators.sigstore import Sigstore, root_bytes
from tests.support.envelopes import dump
from tests.support.statements import statement

WORLD = Sigstore()
ISSUER, SUBJECT = "https://issuer.example.com", "robot@example.com"
SHOWN = f"anybody as {SUBJECT} (issuer {ISSUER})"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Evidence that an identity signed, and a gate that trusts it by a pattern."""
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "cart.json").write_bytes(dump(WORLD.bundle(statement(subjects=[DIGEST]))))
    (tmp_path / "root.json").write_bytes(root_bytes(WORLD))
    configure(tmp_path)
    gate = tmp_path / "gate.json"
    rule = {"name": "anybody", "issuer": ISSUER, "subjectRegExp": ".*"}
    trust = {"identities": [rule], "trustedRoot": "root.json"}
    gate.write_text(json.dumps(json.loads(gate.read_text()) | {"trust": trust}))
    return tmp_path


def test_the_list_says_whom_the_certificate_names(folder: Path) -> None:
    (row,) = table(listed(folder))
    assert row["SIGNED BY"] == SUBJECT


def test_the_page_says_whom_the_certificate_names(folder: Path) -> None:
    assert f"  signed by: {SHOWN}\n" in listed(folder, command="show").stdout


@pytest.mark.parametrize("command", ["list", "show"])
def test_programs_are_told_issuer_and_subject(command: str, folder: Path) -> None:
    (entry,) = document(listed(folder, "-o", "json", command=command))["statements"]
    found = entry["signers"], entry["certificateIdentity"], entry["certificateOidcIssuer"]
    assert found == (["anybody"], SUBJECT, ISSUER)
