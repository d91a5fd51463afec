import gzip
import json
import lzma
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import private_pem, public_pem
from tests.attest.made import sample, tables
from tests.cli.test_attest import IMAGE, UNTIL, predicate
from webhook.cli.main import main

PROFILES = Path(__file__).parents[2] / "manifests" / "examples" / "profiles"
CART = PROFILES / "cart.folded"
INSUFFICIENT = (
    "production: Fail: Execution evidence trace quality is insufficient: hot symbols 22 < 23 or call paths 88 < 1"
)


def dry_run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["attest", "--dry-run", *map(str, arguments)])


def configure(folder: Path, **options: object) -> Path:
    path = folder / "config.yaml"
    path.write_text(json.dumps({"PolicyGates": {"ExecutionEvidence": {"Enabled": True, **options}}}))
    return path


def test_a_dry_run_shows_the_counts_of_every_rule_and_the_hottest_symbols() -> None:
    result = dry_run("--profile", CART)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "measured: 1425 samples/count",
        "counts:   836 (58.7 %)",
        "left out: 589 (41.3 %) by python@1",
    ]
    assert "hot symbols:       22  leaf-share>=1%@2  (this one is signed)" in lines
    assert "hot symbols:       17  leaf-share>=1%" in lines
    assert "call paths:        88  distinct-paths@2  (this one is signed)" in lines
    assert "call paths:        97  distinct-stacks" in lines
    # 133 of 836.
    assert " 15.91 %  SocketIO.write (socket.py)" in lines
    assert lines[-1] == "          and 2 more"


def test_an_idle_program_has_nothing_to_show() -> None:
    result = dry_run("--profile", PROFILES / "cart-smoke.folded")
    assert "counts:   0 (0.0 %)" in result.stdout
    assert "none: the program was not seen doing anything" in result.stdout


@pytest.mark.parametrize(
    ("options", "environment", "lines"),
    [
        (
            {},
            "staging",
            ["production: Pass: Execution evidence meets quality thresholds (hot symbols: 22, call paths: 88)"],
        ),
        (
            {
                "MinHotSymbolCount": 23,
                "RequiredEnvironments": ["production", "canary"],
                "Overrides": {"canary": {"MinHotSymbolCount": 1}},
            },
            None,
            [
                INSUFFICIENT,
                "canary: Pass: Execution evidence meets quality thresholds (hot symbols: 22, call paths: 88)",
            ],
        ),
        (
            {},
            "laptop",
            [
                "production: Warn: No execution evidence found for this artifact (warn mode)",
                "  evidence from laptop does not count there, only from staging",
            ],
        ),
        ({"Enabled": False}, "staging", ["production: Pass: Execution evidence gate is disabled"]),
    ],
)
def test_the_gate_says_what_it_would_make_of_the_numbers(
    options: dict[str, object], environment: str | None, lines: list[str], tmp_path: Path
) -> None:
    where = ["--environment", environment] if environment else []
    result = dry_run("--profile", CART, "--config", configure(tmp_path, **options), *where)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-len(lines) :] == lines


def test_symbols_are_shown_without_terminal_codes(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"main;\x1b[31mred 20\n")
    result = dry_run("--profile", tmp_path / "p", "--format", "folded")
    assert "100.00 %  ?[31mred" in result.stdout
    assert "\x1b" not in result.stdout


def test_profiles_of_replicas_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "a.pb.gz").write_bytes(gzip.compress(tables() + sample([3, 1], [10, 1])))
    (tmp_path / "b.folded").write_text("main;price 30\n")
    result = dry_run("--profile", tmp_path / "a.pb.gz", "--profile", tmp_path / "b.folded")
    assert result.stdout.startswith("measured: 40 samples/count\n")
    assert "call paths:         1  distinct-paths@2" in result.stdout


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.folded", "a.folded"), ("a.folded", "copy"), ("a.folded", "a.gz"), ("a.gz", "again.gz"), ("a.gz", "copy")],
)
def test_a_profile_that_is_given_twice_is_refused(first: str, second: str, tmp_path: Path) -> None:
    # Five samples are not hot; the same ones twice would be ten, and so hot.
    content = b"main;price 5\nmain;tax 5\n"
    for name in ("a.folded", "copy"):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content, 1, mtime=1))
    (tmp_path / "again.gz").write_bytes(gzip.compress(content, 9, mtime=2))
    (tmp_path / "other").write_bytes(content + b"main;ship 1\n")
    result = dry_run(*[f"--profile={tmp_path / name}" for name in (first, "other", second)])
    assert result.exit_code == 2
    assert f"{tmp_path / first} and {tmp_path / second}: the same profile is given twice" in result.stderr
    assert result.stdout == ""


def test_replicas_that_did_nearly_the_same_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("main;price 5\n")
    (tmp_path / "b").write_text("main;price 5\n\n")
    result = dry_run("--profile", tmp_path / "a", "--profile", tmp_path / "b")
    assert result.stdout.startswith("measured: 10 samples/count\n")
    assert result.stderr == ""


def test_profiles_of_several_formats_are_added_up_with_a_warning(tmp_path: Path) -> None:
    frames = [{"name": name, "file": "/srv/cart.py"} for name in ("main", "price")]
    recording = {"type": "sampled", "samples": [[0, 1]] * 20, "weights": [1] * 20, "unit": "none"}
    (tmp_path / "a.json").write_text(json.dumps({"shared": {"frames": frames}, "profiles": [recording]}))
    (tmp_path / "b.folded").write_text("main (cart.py:1);price (cart.py:4) 20\n")
    result = dry_run("--profile", tmp_path / "a.json", "--profile", tmp_path / "b.folded")
    assert result.exit_code == 0, result.output
    assert "warning: the profiles are of the formats folded, speedscope: where they spell" in result.stderr
    # One path in two spellings: `price (/srv/cart.py)` and `price (cart.py)`.
    assert "call paths:         2  distinct-paths@2" in result.stdout
    assert dry_run("--profile", tmp_path / "a.json").stderr == ""


def test_the_statement_names_each_profile(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(private_pem("Ed25519"))
    (tmp_path / "key.pub").write_bytes(public_pem("Ed25519"))
    (tmp_path / "b.folded").write_text("main;price 30\n")
    arguments = ["attest", "--image", IMAGE, "--environment", "staging", "--observed-until", UNTIL, "-o", "-"]
    profiles = ["--profile", str(CART), "--profile", str(tmp_path / "b.folded")]
    result = CliRunner().invoke(main, [*arguments, *profiles, "--key", str(tmp_path / "key.pem")])
    assert result.exit_code == 0, result.output
    found = predicate(result.stdout_bytes)
    assert len(found["profiles"]) == 2
    assert found["sampleCount"] == 1455


def test_a_flame_graph_is_drawn(tmp_path: Path) -> None:
    target = tmp_path / "cart.svg"
    assert dry_run("--profile", CART, "--flamegraph", target).exit_code == 0
    assert target.read_text("utf-8").startswith("<svg ")
    assert "SocketIO.write (socket.py)" in target.read_text("utf-8")


def test_a_flame_graph_on_standard_output_has_it_for_itself() -> None:
    result = dry_run("--profile", CART, "--flamegraph", "-")
    assert result.exit_code == 0
    assert ET.fromstring(result.stdout).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
    assert result.stderr == dry_run("--profile", CART).stdout


def test_a_flame_graph_that_cannot_be_drawn_keeps_back_no_report() -> None:
    result = dry_run("--profile", CART, "--flamegraph", "/dev/full")
    assert result.exit_code == 3
    assert result.stderr == "evidence-gate: not drawn: /dev/full: No space left on device\n"
    assert result.stdout == dry_run("--profile", CART).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "{folder}/heap.pb"], "heap.pb: it measures neither a count nor a time"),
        (["--profile", str(CART), "--format", "pprof"], "cart.folded: it is no protocol buffers message"),
        (["--profile", str(CART), "--format", "xml"], "'xml' is not one of"),
        (["--profile", "{folder}/work.prof"], "work.prof: it is no protocol buffers message; taken for pprof, as"),
        (["--profile", "{folder}/cart.xz"], "cart.xz: it is packed with xz, and only gzip is unpacked here"),
        (["--profile", str(CART), "--config", "{folder}/none.yaml"], "none.yaml: cannot be read"),
        (["--profile", str(CART), "--flamegraph", "{folder}/none/a.svg"], "a.svg cannot be written: No such file"),
        (["--profile", str(CART), "--profile", "{folder}/wall.pb"], "different measures cannot be added up"),
        ([f"--profile={CART}"] * 65, "at most 64 profiles"),
        ([], "Missing option '--profile'"),
    ],
)
def test_a_mistake_is_explained(arguments: list[str], message: str, tmp_path: Path) -> None:
    strings = ("", "inuse_space", "bytes", "wall", "nanoseconds", "main", "serve", "price", "libc")
    (tmp_path / "heap.pb").write_bytes(tables(strings, (("inuse_space", "bytes"),)) + sample([1], [1]))
    (tmp_path / "wall.pb").write_bytes(tables(strings, (("wall", "nanoseconds"),)) + sample([1], [1]))
    (tmp_path / "work.prof").write_bytes(b"\xfb\xa9\x03cProfile\x00")
    (tmp_path / "cart.xz").write_bytes(lzma.compress(CART.read_bytes()))
    result = dry_run(*[argument.format(folder=tmp_path) for argument in arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


NEEDED = {
    "image": "Missing option '--image'",
    "environment": "Missing option '--environment'",
    "key": "Name who signs: --key or --keyless",
    "observed-until": "Missing option '--observed-until'",
    "output": "Name where the evidence goes: --output, --push or --apply",
}


@pytest.mark.parametrize("option", NEEDED)
def test_what_a_dry_run_can_do_without_a_statement_cannot(option: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(private_pem("Ed25519"))
    options = {
        "image": IMAGE,
        "environment": "staging",
        "key": str(tmp_path / "key.pem"),
        "observed-until": UNTIL,
        "output": str(tmp_path / "cart.json"),
    }
    given = [f"--{name}={value}" for name, value in options.items() if name != option]
    result = CliRunner().invoke(main, ["attest", f"--profile={CART}", *given])
    assert result.exit_code == 2
    assert NEEDED[option] in result.stderr
    assert not (tmp_path / "cart.json").exists()


def test_a_comparison_is_for_a_dry_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["attest", f"--profile={CART}", "--config", str(configure(tmp_path))])
    assert result.exit_code == 2
    assert "it is for --dry-run" in result.stderr
