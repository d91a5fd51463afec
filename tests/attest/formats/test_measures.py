import json
from collections.abc import Callable

import pytest

from tests.attest.made import message, read, sample, scalar, tables
from webhook.attest.formats.measures import choose
from webhook.attest.profile import ProfileError

UNFIT = ["\x1b[31mRED\x1b]0;owned\x07", "\ud800", "a\x00b", "\ufffe", "a\nb", "\u202e", "x" * 251]
"""Names of sample types; with `/count` the last one has 257 characters."""


@pytest.mark.parametrize("unit", ["count", "nanoseconds", "seconds"])
@pytest.mark.parametrize("kind", UNFIT)
def test_a_name_that_is_not_fit_to_show_is_refused_and_not_shown(kind: str, unit: str) -> None:
    with pytest.raises(ProfileError, match="longer than 256 characters or cannot be printed") as refused:
        choose([(kind, unit)])
    assert str(refused.value).isprintable()
    assert kind not in str(refused.value)


def test_a_name_has_as_many_characters_as_a_predicate_holds() -> None:
    kind = "x" * (256 - len("/count"))
    assert choose([(kind, "count")]) == (0, f"{kind}/count", 1)


def test_what_is_not_counted_may_have_any_name() -> None:
    assert choose([("samples", "count"), ("\x1b", "nanoseconds"), ("a", "\x1b")]) == (0, "samples/count", 1)


def pprof(kind: str) -> bytes:
    strings = ("", kind, "count", "", "", "main", "serve", "price", "/usr/lib/libc.so.6")
    return tables(strings, [(kind, "count")]) + sample([1], [7])


def otlp_json(kind: str) -> bytes:
    profile = {"sampleType": {"typeStrindex": 1, "unitStrindex": 2}, "samples": [{"stackIndex": 1, "values": ["7"]}]}
    dictionary = {
        "stringTable": ["", kind, "count", "main"],
        "functionTable": [{}, {"nameStrindex": 3}],
        "locationTable": [{}, {"lines": [{"functionIndex": 1}]}],
        "stackTable": [{}, {"locationIndices": [1]}],
    }
    resources = [{"scopeProfiles": [{"profiles": [profile]}]}]
    return json.dumps({"resourceProfiles": resources, "dictionary": dictionary}).encode()


def otlp(kind: str) -> bytes:
    profile = message(1, scalar(1, 1) + scalar(2, 2)) + message(2, scalar(1, 1) + message(4, b"\x07"))
    texts = b"".join(message(5, text.encode()) for text in ("", kind, "count", "main"))
    functions = message(3, b"") + message(3, scalar(1, 3))
    locations = message(2, b"") + message(2, message(3, scalar(1, 1)))
    stacks = message(7, b"") + message(7, message(1, b"\x01"))
    return message(1, message(2, message(2, profile))) + message(2, texts + functions + locations + stacks)


@pytest.mark.parametrize(("form", "make"), [("pprof", pprof), ("otlp", otlp), ("otlp-json", otlp_json)])
def test_every_format_that_names_what_it_measures_is_asked(form: str, make: Callable[[str], bytes]) -> None:
    assert read(make("requests"), form).measure == "requests/count"
    with pytest.raises(ProfileError, match="cannot be printed"):
        read(make("\x1b[31m"), form)
