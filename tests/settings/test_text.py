import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.settings.writing import merge_bomb, refusal, written
from tests.support.deadline import at_most
from webhook.errors import ConfigurationError
from webhook.settings.loading import load_settings

NOT_YAML = "is not YAML"


@contextmanager
def quickly() -> Iterator[None]:
    """Stops what hangs; the clock is read too, since a reader that refuses whatever was raised hides the stop."""
    begin = time.monotonic()
    with at_most(6):
        yield
    assert time.monotonic() - begin < 5


OVERRIDES = "PolicyGates: {ExecutionEvidence: {Overrides: {"
MAPPING = "must be a mapping with `PolicyGates` and other sections"

# Text, a part of the one line that refuses it.
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "list": ("- a\n- b\n", MAPPING),
    "JSON list": ("[1]", MAPPING),
    "text": ("hello", MAPPING),
    "false": ("false", MAPPING),
    "number": ("0", MAPPING),
    "unclosed YAML list": ("trust:\n  keys: [\n", "line 3: is not YAML"),
    "tab": ("trust:\n\tkeys: []\n", "line 2: is not YAML"),
    "two documents": ("trust: {}\n---\ntrust: {}\n", "holds more than one document"),
    "anchor that is not there": ("trust: *nobody\n", "line 1: is not YAML"),
    "foreign tag": ("trust: !secret x\n", "line 1: is not YAML"),
    "Python object": ("trust: !!python/object/apply:os.getcwd []\n", "line 1: is not YAML"),
    "list as a key": ("? [a, b]\n: c\n", "line 1: is not YAML"),
    "mapping as a key": ("? {a: b}\n: c\n", "line 1: is not YAML"),
    "control character": (b"a: \x00", NOT_YAML),
    "not UTF-8": (b"helpUrl: \xff", NOT_YAML),
    "no such day": ("helpUrl: 2026-13-45", NOT_YAML),
    "no such number": ("helpUrl: 0b_", NOT_YAML),
    "no such boolean": ("events: {enabled: !!bool maybe}", NOT_YAML),
    "no such time": ("helpUrl: !!timestamp x", NOT_YAML),
    "empty integer": ("trust: {threshold: !!int ''}", NOT_YAML),
    "empty float": ("server: {drainSeconds: !!float ''}", NOT_YAML),
    "deep YAML": ("[" * 100_000, NOT_YAML),
    "unclosed JSON": ('{"trust": {', "the file is not JSON"),
    "JSON and more": ("{} {}", "the file is not JSON"),
    "JSON with a comment": ("{} # nothing", "the file is not JSON"),
    "JSON with NaN": ('{"server": {"drainSeconds": NaN}}', "the file holds NaN or Infinity"),
    "JSON with 1e400": ('{"server": {"drainSeconds": 1e400}}', "the file holds a number beyond double precision"),
    "JSON with 2^64": ('{"trust": {"threshold": 18446744073709551616}}', "the file holds an integer outside"),
    "JSON not UTF-8": (b'{"helpUrl": "\xff"}', "the file is not JSON"),
    "deep JSON": ('{"a":' * 100 + "1" + "}" * 100, "the file is nested deeper than 64 levels"),
    "very deep JSON": ('{"a":' * 100_000, "the file is not JSON"),
    "JSON key twice": ('{"trust": {}, "trust": {}}', "the file has a duplicate member name"),
    "JSON key twice below": ('{"trust": {"threshold": 1, "threshold": 2}}', "the file has a duplicate member name"),
    "YAML key twice": ("trust: {}\ntrust: {}\n", "a key stands twice"),
    "YAML key twice below": ("trust:\n  threshold: 1\n  keys: []\n  threshold: 2\n", "a key stands twice"),
    "YAML key twice in flow style": ("trust: {threshold: 1, threshold: 2}", "a key stands twice"),
    "YAML key quoted and plain": ("trust: {}\n'trust': {}\n", "a key stands twice"),
    "YAML key as number and text": (f"{OVERRIDES}1: {{}}, '1': {{MinLane: Asserted}}}}}}}}", "a key stands twice"),
    "YAML key as boolean and text": (
        f"{OVERRIDES}true: {{}}, 'true': {{MinLane: Asserted}}}}}}}}",
        "a key stands twice",
    ),
    "null as a key": ("~: x", "holds a key that JSON does not have"),
    "time as a key": ("2026-11-24: x", "holds a key that JSON does not have"),
    "fraction as a key": ("1.5: x", "holds a key that JSON does not have"),
    "set": ("exemptImages: !!set {ghcr.io/a/b}", "holds a value that JSON does not have"),
    "bytes": ("helpUrl: !!binary aGVsbG8=", "holds a value that JSON does not have"),
    "infinity": ("server: {drainSeconds: .inf}", "holds a value that JSON does not have"),
    "not a number": ("server: {drainSeconds: .nan}", "holds a value that JSON does not have"),
    "lone surrogate": ('helpUrl: "\\ud800"', "holds a lone surrogate"),
    "lone surrogate in a key": ('"\\ud800": x', "holds a lone surrogate"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_text_that_is_no_document_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    content, problem = BROKEN[case]
    with quickly():
        lines = refusal(written(tmp_path, content))
    assert len(lines) == 1
    assert problem in lines[0]


def test_the_line_of_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    text = "helpUrl: https://a/\ntrust:\n  threshold: 1\n  keys: []\n  threshold: 2\n"
    assert refusal(written(tmp_path, text))[0].startswith("line 5: ")


@pytest.mark.parametrize(("key", "text"), [("1", "1"), ("0x10", "16"), ("true", "true"), ("no", "false")])
def test_a_key_that_is_no_text_is_read_as_its_json_text(key: str, text: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, f"{key}: x\n"))[0].startswith(f"{text}: unknown key")


@pytest.mark.parametrize("text", ["trust: &a {keys: *a}", "trust: &a {keys: [*a]}", "exemptImages: &a [*a]"])
def test_a_document_that_contains_itself_is_refused(text: str, tmp_path: Path) -> None:
    with quickly(), pytest.raises(ConfigurationError):
        load_settings(written(tmp_path, text))


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    lines = ["a: &a0 [x]"] + [f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    with quickly(), pytest.raises(ConfigurationError, match="holds more than 500000 values"):
        load_settings(written(tmp_path, "\n".join(lines)))


def test_merge_keys_that_multiply_cost_nothing(tmp_path: Path) -> None:
    with quickly(), pytest.raises(ConfigurationError):
        load_settings(written(tmp_path, merge_bomb(8)))
