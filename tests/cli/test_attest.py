import base64
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import KINDS, private_pem, public_pem
from webhook.cli.main import main

PROFILES = Path(__file__).parents[2] / "manifests" / "examples" / "profiles"
DIGEST = "sha256:" + "ab" * 32
IMAGE = f"registry.example.com/shop/cart@{DIGEST}"
UNTIL = "2026-01-24T06:36:35Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in KINDS:
        (tmp_path / f"{kind}.pem").write_bytes(private_pem(kind))
        (tmp_path / f"{kind}.pub").write_bytes(public_pem(kind))
    (tmp_path / "locked.pem").write_bytes(private_pem("P-256", b"correct horse"))
    (tmp_path / "passphrase").write_bytes(b"correct horse\n")
    (tmp_path / "wrong").write_bytes(b"battery staple\n")
    (tmp_path / "bad.folded").write_text("main 1\nmain;price\n")
    (tmp_path / "idle.folded").write_text("main;idle;epoll_wait 500\n")
    return tmp_path


def attest(folder: Path, /, **changes: str | None) -> Result:
    """Runs the command; a change of None leaves an option away."""
    options: dict[str, str | None] = {
        "image": IMAGE,
        "environment": "staging",
        "profile": str(PROFILES / "cart.folded"),
        "key": str(folder / "P-256.pem"),
        "observed_until": UNTIL,
        "output": str(folder / "cart.json"),
    }
    arguments = ["attest"]
    for name, value in (options | changes).items():
        if value is not None:
            arguments += [f"--{name.replace('_', '-')}", value]
    return CliRunner().invoke(main, arguments)


def verify(folder: Path, kind: str = "P-256") -> Result:
    arguments = ["verify", str(folder / "cart.json"), "--key", str(folder / f"{kind}.pub"), "--image-digest", DIGEST]
    return CliRunner().invoke(main, [*arguments, "-o", "json"])


def predicate(envelope: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(envelope)["payload"]))["predicate"]
    return found


@pytest.mark.parametrize(("output", "flamegraph"), [("-", "-"), ("-", "/dev/stdout"), ("/dev/stdout", "-")])
def test_standard_output_holds_one_thing(folder: Path, output: str, flamegraph: str) -> None:
    result = attest(folder, output=output, flamegraph=flamegraph)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "standard output is taken by --output; name a file" in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_what_attest_writes_verify_accepts(kind: str, folder: Path) -> None:
    written = attest(folder, key=str(folder / f"{kind}.pem"))
    assert written.exit_code == 0, written.output
    result = verify(folder, kind)
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["environment"], answer["observedUntil"]) == ("staging", UNTIL)
    assert written.stderr == f"hot symbols: {answer['hotSymbolCount']}, call paths: {answer['uniqueCallPaths']}\n"


def test_the_predicate_holds_what_the_command_line_and_the_profile_say(folder: Path) -> None:
    result = attest(folder, observed_from="2026-01-24T06:36:13Z", tracer="py-spy/0.4.3")
    assert result.exit_code == 0
    found = predicate((folder / "cart.json").read_bytes())
    content = (PROFILES / "cart.folded").read_bytes()
    assert found["observedFrom"] == "2026-01-24T06:36:13Z"
    assert found["tracer"] == {"name": "py-spy", "version": "0.4.3"}
    assert found["profile"]["digest"] == "sha256:" + sha256(content).hexdigest()
    assert found["sampleCount"] == sum(int(line.rsplit(b" ", 1)[1]) for line in content.splitlines())


@pytest.mark.parametrize(
    ("text", "tracer"),
    [("perf", {"name": "perf"}), ("grafana/pyroscope/1.9", {"name": "grafana/pyroscope", "version": "1.9"})],
)
def test_the_tracer_has_a_name_and_perhaps_a_version(text: str, tracer: dict[str, str], folder: Path) -> None:
    assert attest(folder, tracer=text).exit_code == 0
    assert predicate((folder / "cart.json").read_bytes())["tracer"] == tracer


def test_now_is_an_end_that_may_be_asked_for(folder: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert attest(folder, observed_until="now").exit_code == 0
    until = datetime.fromisoformat(predicate((folder / "cart.json").read_bytes())["observedUntil"])
    assert before <= until <= datetime.now(UTC)


def test_an_encrypted_key_takes_its_passphrase_from_a_file(folder: Path) -> None:
    result = attest(folder, key=str(folder / "locked.pem"), key_passphrase_file=str(folder / "passphrase"))
    assert result.exit_code == 0
    assert verify(folder).exit_code == 0


def test_standard_output_gets_the_envelope_and_nothing_else(folder: Path) -> None:
    result = attest(folder, output="-")
    assert result.exit_code == 0
    assert predicate(result.stdout_bytes)["environment"] == "staging"
    assert not (folder / "cart.json").exists()


def test_an_earlier_file_is_replaced(folder: Path) -> None:
    (folder / "cart.json").write_text("old")
    assert attest(folder).exit_code == 0
    assert verify(folder).exit_code == 0


def test_standard_output_by_its_other_name_is_never_replaced(folder: Path) -> None:
    result = attest(folder, output="/dev/stdout")
    assert result.exit_code == 0
    assert predicate(result.stdout_bytes)


def test_the_target_of_a_link_is_written(folder: Path) -> None:
    (folder / "cart.json").symlink_to("real.json")
    assert attest(folder).exit_code == 0
    assert (folder / "cart.json").is_symlink()
    assert predicate((folder / "real.json").read_bytes())


@pytest.mark.parametrize(("profile", "warned"), [("idle.folded", True), ("busy.folded", False)])
def test_evidence_in_which_nothing_counts_is_warned_of(
    profile: str,
    warned: bool,  # noqa: FBT001 - a table's column
    folder: Path,
) -> None:
    (folder / "busy.folded").write_text("main;price 500\n")
    result = attest(folder, profile=str(folder / profile))
    assert result.exit_code == 0
    assert ("warning: nothing in the profile counts" in result.stderr) is warned


FUTURE = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
MISTAKES: dict[str, tuple[dict[str, str | None], str]] = {
    "no end": ({"observed_until": None}, "Missing option '--observed-until'"),
    "image by tag": ({"image": "registry.example.com/shop/cart:1.2"}, "name the image by its digest"),
    "image invalid": ({"image": "UPPER/case:@"}, "not an image reference: its digest is not"),
    "environment invalid": ({"environment": "sta ging"}, "an environment's name has 1 to 63"),
    "time without zone": ({"observed_until": "2026-01-24T06:36:35"}, "write a time with its zone"),
    "begin without zone": ({"observed_from": "yesterday"}, "write a time with its zone"),
    "end in the future": ({"observed_until": FUTURE}, "this time is in the future"),
    "begin after end": ({"observed_from": "2026-01-24T06:36:36Z"}, "the observation ends before it begins"),
    "tracer without name": ({"tracer": "/1.0"}, "write NAME/VERSION"),
    "tracer not printable": ({"tracer": "a\x1b[31m/1"}, "write NAME/VERSION"),
    "profile missing": ({"profile": "{folder}/none.folded"}, "cannot be read"),
    "profile bad": ({"profile": "{folder}/bad.folded"}, "bad.folded: line 2: it is not `frame;frame count`"),
    "profile empty": ({"profile": "/dev/null"}, "/dev/null: it holds no samples"),
    "profile endless": ({"profile": "/dev/zero"}, "/dev/zero: it is larger than"),
    "profile unreadable": ({"profile": "/proc/self/mem"}, "/proc/self/mem cannot be read"),
    "key missing": ({"key": "{folder}/none.pem"}, "cannot be read"),
    "key public": ({"key": "{folder}/P-256.pub"}, "P-256.pub: it holds no PEM private key"),
    "key endless": ({"key": "/dev/zero"}, "/dev/zero is too large for a key"),
    "passphrase needed": ({"key": "{folder}/locked.pem"}, "locked.pem: it needs a passphrase"),
    "passphrase wrong": (
        {"key": "{folder}/locked.pem", "key_passphrase_file": "{folder}/wrong"},
        "or the passphrase is wrong",
    ),
    "passphrase not needed": ({"key_passphrase_file": "{folder}/passphrase"}, "it is not encrypted"),
    "passphrase endless": ({"key_passphrase_file": "/dev/zero"}, "/dev/zero is too large for a key"),
    "passphrase missing": (
        {"key_passphrase_file": "{folder}/none"},
        "'--key-passphrase-file': {folder}/none cannot be read: No such file or directory",
    ),
    "passphrase in a folder": (
        {"key_passphrase_file": "{folder}"},
        "'--key-passphrase-file': {folder} cannot be read: Is a directory",
    ),
    "output in no folder": (
        {"output": "{folder}/none/cart.json"},
        "--output: {folder}/none/cart.json cannot be written: No such file or directory",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained_and_nothing_is_written(mistake: str, folder: Path) -> None:
    (folder / "cart.json").write_text("old")
    before = sorted(folder.iterdir())
    changes, message = MISTAKES[mistake]
    given = {name: value if value is None else value.format(folder=folder) for name, value in changes.items()}
    result = attest(folder, **given)
    assert result.exit_code == 2
    assert message.format(folder=folder) in result.stderr
    assert result.stdout == ""
    assert (folder / "cart.json").read_text() == "old"
    assert sorted(folder.iterdir()) == before


def test_a_passphrase_is_never_an_argument() -> None:
    shown = CliRunner().invoke(main, ["attest", "--help"]).stdout
    assert "--key-passphrase-file" in shown
    assert "--key-passphrase " not in shown
