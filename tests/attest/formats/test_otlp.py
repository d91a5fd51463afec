import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import message, packed, read, scalar, stacks
from tests.support.json_schema import anything
from webhook.attest.formats import documents
from webhook.attest.profile import ProfileError
from webhook.limits import LIMITS

STRINGS = ["", "samples", "count", "main", "serve", "/usr/lib/libc.so.6", "cpu", "nanoseconds"]
DICTIONARY: dict[str, Any] = {
    "stringTable": STRINGS,
    "functionTable": [{}, {"nameStrindex": 3}, {"nameStrindex": 4}],
    "locationTable": [
        {},
        {"lines": [{"functionIndex": 1}]},
        {"lines": [{"functionIndex": 2}]},
        {"mappingIndex": 1, "address": "48879"},
        {"lines": [{"functionIndex": 1}, {"functionIndex": 2}]},
    ],
    "mappingTable": [{}, {"filenameStrindex": 5}],
    "stackTable": [{}, {"locationIndices": [2, 1]}, {"locationIndices": [3, 1]}, {"locationIndices": [4]}],
}


def profile(*samples: dict[str, Any], kind: tuple[int, int] = (1, 2)) -> dict[str, Any]:
    return {"sampleType": {"typeStrindex": kind[0], "unitStrindex": kind[1]}, "samples": list(samples)}


def document(*profiles: Any, **changes: Any) -> dict[str, Any]:
    return {
        "resourceProfiles": [{"scopeProfiles": [{"profiles": list(profiles)}]}],
        "dictionary": DICTIONARY | changes,
    }


def as_json(*profiles: Any, **changes: Any) -> str:
    return json.dumps(document(*profiles, **changes))


def test_a_stack_has_its_leaf_last() -> None:
    assert stacks(as_json(profile({"stackIndex": 1, "values": ["7"]}))) == {("main", "serve"): 7}


def test_values_are_added_and_times_alone_are_counted() -> None:
    # The three shapes of profiles.proto's comment on Sample: each is a total of 10.
    times = [str(time) for time in range(1, 11)]
    shapes = [
        {"stackIndex": 1, "timestampsUnixNano": times},
        {"stackIndex": 1, "values": ["10"]},
        {"stackIndex": 1, "values": ["2", "2", "3", "3"], "timestampsUnixNano": times[:4]},
    ]
    for shape in shapes:
        assert read(as_json(profile(shape))).total == 10


def test_inlined_functions_and_addresses_are_frames() -> None:
    samples = [{"stackIndex": 2, "values": [1]}, {"stackIndex": 3, "values": [2]}]
    assert stacks(as_json(profile(*samples))) == {("main", "[libc.so.6]"): 1, ("serve", "main"): 2}


def test_only_profiles_of_the_chosen_kind_count() -> None:
    sample = {"stackIndex": 1, "values": [5]}
    found = read(as_json(profile(sample, kind=(6, 7)), profile(sample), profile(sample)))
    assert (found.measure, found.total) == ("samples/count", 10)


HOSTILE: dict[str, tuple[str, str]] = {
    "stack missing": (as_json(profile({"stackIndex": 9, "values": [1]})), "an entry of a table that is not there"),
    "stack negative": (as_json(profile({"stackIndex": -1, "values": [1]})), "an entry of a table that is not there"),
    "location missing": (
        as_json(profile({"stackIndex": 1, "values": [1]}), locationTable=[{}]),
        "an entry of a table that is not there",
    ),
    "strings missing": (as_json(profile({"stackIndex": 1, "values": [1]}), stringTable=[]), "that is not there"),
    "strings numbers": (as_json(profile({"stackIndex": 1, "values": [1]}), stringTable=[1, 2, 3]), "a text is"),
    "no samples": (as_json(profile()), "it holds no samples"),
    "nothing": ("{}", "it holds no samples"),
    "bytes only": (as_json(profile({"stackIndex": 1}, kind=(1, 3))), "neither a count nor a time"),
    "negative": (as_json(profile({"stackIndex": 1, "values": [-5]})), "it counts less than nothing"),
    "negative beside more": (
        as_json(profile({"stackIndex": 1, "values": ["-5", "25"]})),
        "it counts less than nothing",
    ),
    "a value that is a text": (as_json(profile({"stackIndex": 1, "values": ["many"]})), "a whole number"),
    "cut off": (as_json(profile({"stackIndex": 1, "values": [1]}))[:-1], "it is not JSON, or is cut off"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_document_is_refused_with_a_reason(case: str) -> None:
    content, reason = HOSTILE[case]
    with pytest.raises(ProfileError, match=reason):
        read(content, "otlp-json")


def test_lines_of_a_location_count_before_they_are_laid_out() -> None:
    changes = {
        "locationTable": [{}, {"lines": [{"functionIndex": 1}] * 4000}],
        "stackTable": [{}, {"locationIndices": [1] * 4000}],
    }
    with pytest.raises(ProfileError, match="deeper than 4096"):
        read(as_json(profile({"stackIndex": 1, "values": [1]}), **changes))


def test_many_entries_of_one_deep_stack_are_held_once() -> None:
    depth, entries, megabyte = 4000, 2000, 2**20
    changes = {
        "locationTable": [{}, {"lines": [{"functionIndex": 1}] * (depth // 2)}],
        "stackTable": [{}, *[{"locationIndices": [1, 1]}] * entries],
    }
    content = as_json(profile(*({"stackIndex": 1 + index, "values": [1]} for index in range(entries))), **changes)
    tracemalloc.start()
    try:
        found = stacks(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == {("main",) * depth: entries}
    # Each of them laid out and kept would be four bytes a frame: 32 MB.
    assert entries * depth * 4 > 30 * megabyte
    assert peak < 10 * megabyte


def as_message(values: bytes = packed(4, [7])) -> bytes:
    """The same in protocol buffers, by the field numbers of profiles.proto."""
    sample = message(2, scalar(1, 1) + values)
    kind = message(1, scalar(1, 1) + scalar(2, 2))
    dictionary = b"".join(
        [
            message(2, b"") + message(2, message(3, scalar(1, 1))) + message(2, message(3, scalar(1, 2))),
            message(3, b"") + message(3, scalar(1, 3)) + message(3, scalar(1, 4)),
            *(message(5, text.encode("ascii")) for text in STRINGS),
            message(7, b"") + message(7, packed(1, [2, 1])),
        ]
    )
    return message(1, message(2, message(2, kind + sample))) + message(2, dictionary)


def test_the_message_says_the_same_as_its_json() -> None:
    assert stacks(as_message()) == stacks(as_json(profile({"stackIndex": 1, "values": ["7"]})))
    assert stacks(as_message(message(5, bytes(8 * 7)))) == {("main", "serve"): 7}


def test_two_messages_in_one_file_are_refused() -> None:
    # Protocol buffers would merge them: the samples of both would point into tables that are neither's.
    with pytest.raises(ProfileError, match="it has `dictionary` twice: give each profile in a file of its own"):
        read(as_message() + as_message(), "otlp")


def test_two_sample_types_of_one_profile_are_refused() -> None:
    kinds = message(1, scalar(1, 1) + scalar(2, 2)) + message(1, scalar(1, 6) + scalar(2, 7))
    sample = message(2, scalar(1, 0) + packed(4, [7]))
    strings = b"".join(message(5, text.encode("ascii")) for text in STRINGS)
    with pytest.raises(ProfileError, match="it has `sampleType` twice"):
        read(message(1, message(2, message(2, kinds + sample))) + message(2, strings), "otlp")


def test_a_field_of_another_type_is_refused() -> None:
    for broken in (message(1, b"x"), scalar(5, 1)):
        with pytest.raises(ProfileError, match=r"another type than it must have|it is cut off"):
            read(as_message(broken), "otlp")


def test_a_message_may_hold_so_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LIMITS", replace(LIMITS, profile_values=50))
    for content, form in ((as_message(packed(4, [1] * 60)), "otlp"), (message(1, b"") * 60, "otlp")):
        with pytest.raises(ProfileError, match="more than 50 values"):
            read(content, form)
    with pytest.raises(ProfileError, match="more than 50 values"):
        read(as_json(profile({"stackIndex": 1, "values": [1] * 60})), "otlp-json")
    with pytest.raises(ProfileError, match="more than 50 values"):
        read(as_message(message(5, bytes(8 * 60))), "otlp")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_a_profile_error(data: bytes) -> None:
    for content in (data, as_message(data), as_message() + data):
        try:
            assert read(content, "otlp").total >= 1
        except ProfileError:
            continue


@given(anything(), st.sampled_from([*DICTIONARY, "resourceProfiles", "dictionary", "samples"]))
def test_any_value_anywhere_is_a_profile_or_a_profile_error(value: Any, where: str) -> None:
    good = profile({"stackIndex": 1, "values": [1]})
    content = document(good, **({where: value} if where in DICTIONARY else {}))
    if where == "samples":
        content = document(good | {"samples": value})
    elif where not in DICTIONARY:
        content[where] = value
    try:
        assert read(json.dumps(content), "otlp-json").total >= 1
    except ProfileError:
        return
