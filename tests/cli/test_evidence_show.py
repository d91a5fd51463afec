"""`evidence-gate evidence show`, and what hostile evidence can do to a terminal: nothing."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.listing import DIGEST, IMAGE, STAGING, STRANGER, document, listed, signed, site
from tests.support.envelopes import dump, envelope
from tests.support.statements import predicate, statement

# CSI, OSC 8 (a link), a bell, C1's CSI, a right-to-left override, a line separator, and what moves the cursor.
HOSTILE = "\x1b[2Jx\x1b]8;;https://evil.example\x07\x9b31m\u202egnp\u2028\r\n\x08\ttab"


def digest_of(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def hostile(signer: Any = STAGING) -> bytes:
    """A statement whose every free text is hostile; the predicate's own texts must be printable to be read."""
    symbols = [{"symbol": HOSTILE, "share": 0.5}]
    seen = predicate(hotSymbolCount=1, hotSymbols=symbols, note=HOSTILE, **{HOSTILE: HOSTILE})
    body = statement(
        subject=[{"name": HOSTILE, "digest": {"sha256": DIGEST.removeprefix("sha256:"), HOSTILE: HOSTILE}}],
        predicate=seen,
    )
    return dump(envelope(body, [signer]))


def test_a_page_has_everything_of_a_statement(tmp_path: Path) -> None:
    content = signed(tracer={"name": "py-spy", "version": "0.4.3"})
    result = listed(site(tmp_path, {"cart.json": content}), command="show")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:7] == [
        f"image: {IMAGE}",
        "",
        f"statement {digest_of(content)}",
        "  where:     directory:cart.json",
        "  result:    counts",
        "  signed by: staging",
        lines[6],
    ]
    assert re.fullmatch(r"  age:       \d+d", lines[6])
    assert lines[7] == "  content:"
    body = lines[8 : lines.index("", 8)]
    whole = json.loads("\n".join(body))
    assert whole["predicate"]["tracer"] == {"name": "py-spy", "version": "0.4.3"}
    assert whole["subject"][0]["digest"] == {"sha256": DIGEST.removeprefix("sha256:")}
    assert lines[-1].startswith("production: Pass: ")


def test_what_nobody_has_verified_is_shown_as_that(tmp_path: Path) -> None:
    result = listed(site(tmp_path, {"cart.json": signed(STRANGER)}), command="show")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[4:7] == [
        "  result:    EvidenceUntrusted",
        "  found:     signed by no key that is trusted",
        "  content, which is verified by nobody and may be anybody's invention:",
    ]
    assert '"hotSymbolCount": 42,' in result.stdout


def test_a_program_cannot_take_one_for_the_other(tmp_path: Path) -> None:
    files = {"a.json": signed(), "b.json": signed(STRANGER)}
    good, bad = document(listed(site(tmp_path, files), "-o", "json", command="show"))["statements"]
    assert good["statement"]["predicate"]["hotSymbolCount"] == 42
    assert "unverifiedStatement" not in good
    assert bad["unverifiedStatement"]["predicate"]["hotSymbolCount"] == 42
    assert "statement" not in bad
    assert (good["bytes"], bad["bytes"]) == (len(files["a.json"]), len(files["b.json"]))


def test_anybodys_word_that_counts_is_still_nobodys(tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": signed(STRANGER)}, MinLane="Asserted")
    (entry,) = document(listed(folder, "-o", "json", command="show"))["statements"]
    assert "unverifiedStatement" in entry
    page = listed(folder, command="show").stdout
    assert "  signed by: nobody who is trusted\n" in page
    assert "verified by nobody" in page


@pytest.mark.parametrize("length", [8, 12, 64])
def test_one_statement_is_chosen_by_the_beginning_of_its_digest(length: int, tmp_path: Path) -> None:
    files = {"a.json": signed(), "b.json": signed(hotSymbolCount=43)}
    folder = site(tmp_path, files)
    wanted = digest_of(files["b.json"])
    beginning = wanted[: len("sha256:") + length]
    found = document(listed(folder, "--digest", beginning, "-o", "json", command="show"))
    assert [entry["envelopeDigest"] for entry in found["statements"]] == [wanted]


def test_the_exit_code_is_that_of_what_is_shown(tmp_path: Path) -> None:
    files = {"a.json": signed(), "b.json": signed(STRANGER)}
    folder = site(tmp_path, files)
    codes = [listed(folder, "--digest", digest_of(content), command="show").exit_code for content in files.values()]
    assert codes == [0, 1]


def test_a_digest_that_no_statement_has_exits_with_1(tmp_path: Path) -> None:
    result = listed(site(tmp_path, {"a.json": signed()}), "--digest", f"sha256:{'0' * 64}", command="show")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "`evidence-gate evidence list` shows them" in result.stderr


def test_a_digest_that_no_statement_has_in_a_store_with_a_gap_exits_with_3(tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": signed()})
    (folder / "evidence" / "gone.json").symlink_to("nowhere")
    assert listed(folder, "--digest", f"sha256:{'0' * 64}", command="show").exit_code == 3


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:ca", f"SHA256:{'0' * 64}", f"sha256:{'0' * 65}", "0" * 64])
def test_a_digest_that_is_none_exits_with_2(text: str, tmp_path: Path) -> None:
    assert listed(site(tmp_path, {}), "--digest", text, command="show").exit_code == 2


def test_nothing_to_show_says_what_to_do(tmp_path: Path) -> None:
    result = listed(site(tmp_path, {}), command="show")
    assert result.exit_code == 1
    assert "no such statement about this image" in result.stdout
    assert "next: run it in staging" in result.stdout


def test_a_store_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": signed()})
    (folder / "evidence" / "gone.json").symlink_to("nowhere")
    result = listed(folder, command="show")
    assert result.exit_code == 3
    assert "not read: directory: store directory: a file cannot be read\n" in result.stdout


def test_a_long_statement_is_cut_and_says_so(tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": signed(notes=[0] * 5000)})
    result = listed(folder, command="show")
    assert len(result.stdout.splitlines()) < 2020
    (left,) = re.findall(r"… and (\d+) more lines; `-o json` has them all", result.stdout)
    (entry,) = document(listed(folder, "-o", "json", command="show"))["statements"]
    assert int(left) == len(json.dumps(entry["statement"], indent=2).split("\n")) - 2000


@pytest.mark.parametrize("signer", [STAGING, STRANGER], ids=["trusted", "stranger"])
@pytest.mark.parametrize("command", ["list", "show"])
@pytest.mark.parametrize("output", ["text", "json"])
def test_no_byte_of_a_statement_moves_a_terminal(output: str, command: str, signer: Any, tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": hostile(signer)}, MinHotSymbolCount=1)
    result = listed(folder, "-o", output, command=command)
    assert result.exit_code == (0 if signer is STAGING else 1)
    text = result.stdout.replace("\n", "")
    assert text.isprintable()
    if output == "json":
        assert text.isascii()
        document(result)
    if command == "show" and output == "json":
        (entry,) = json.loads(result.stdout)["statements"]
        told = entry["statement" if signer is STAGING else "unverifiedStatement"]
        assert told["predicate"]["note"] == HOSTILE


def test_a_files_name_moves_no_terminal(tmp_path: Path) -> None:
    # Without ESC alone: click takes that out where there is no terminal, and so only here.
    hostile = ("\x1b[2J\x07\x9b2J\u202e.json", "\x9b3J\r.txt", "\udcff.json")
    folder = site(tmp_path, dict(zip(hostile, (signed(), b"hello", signed(hotSymbolCount=43)), strict=True)))
    for command in ("list", "show"):
        for output in ("text", "json"):
            result = listed(folder, "-o", output, command=command)
            assert result.exit_code == 0
            assert result.stdout.replace("\n", "").isprintable()


def test_an_environments_name_that_does_not_print_is_malformed(tmp_path: Path) -> None:
    result = listed(site(tmp_path, {"a.json": signed(environment="sta\x1b[2Jging")}))
    assert result.exit_code == 1
    assert "the predicate is not valid at `environment`" in result.stdout


def test_names_in_any_script_are_shown_as_they_are(tmp_path: Path) -> None:
    content = signed(hotSymbolCount=1, hotSymbols=[{"symbol": "購物車.算出()", "share": 0.5}])
    assert '"symbol": "購物車.算出()"' in listed(site(tmp_path, {"a.json": content}), command="show").stdout


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=60)
def test_whatever_stands_in_a_statement_each_of_its_lines_prints(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = site(tmp_path_factory.mktemp("any"), {"a.json": signed(STAGING, note=text, **{f"x{text}": text})})
    result = listed(folder, command="show")
    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stdout.split("\n"))


def test_a_line_is_never_longer_than_a_symbol_may_be(tmp_path: Path) -> None:
    folder = site(tmp_path, {"a.json": signed(note="x" * 100_000)})
    assert max(map(len, listed(folder, command="show").stdout.splitlines())) <= 4 + 1024 + 80
