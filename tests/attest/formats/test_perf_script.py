from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import read, stacks
from webhook.attest.formats.perf_script import is_perf_script
from webhook.attest.profile import ProfileError

RECORDED = Path(__file__).parents[1] / "profiles" / "work.perf.txt"
"""`perf record -e cpu-clock -F 49 -g ./work`, then `perf script`, of perf 6.1."""

EVENT = "cart 4711 [001] 5008.783321:    1001001 cpu-clock: \n"
FRAMES = "\t    12fc price+0x84 (/usr/bin/cart)\n\t   2724a main+0x7a (/usr/bin/cart)\n\n"


def test_an_event_is_one_sample_and_its_leaf_comes_last() -> None:
    assert stacks(EVENT + FRAMES + EVENT + FRAMES.strip("\n")) == {("main", "price"): 2}


def test_the_recorded_text_has_a_sample_an_event() -> None:
    text = RECORDED.read_text("utf-8")
    profile = read(text)
    assert profile.total == sum("cpu-clock:" in line for line in text.splitlines())
    assert profile.sources[0].media_type == "text/x-perf-script"
    # The line below each event is its leaf: ADDRESS SYMBOL+OFFSET (MODULE).
    leaves = [block.splitlines()[1].split()[1].split("+")[0] for block in text.strip().split("\n\n")]
    found: dict[str, int] = {}
    for stack, count in profile.stacks():
        found[stack[-1]] = found.get(stack[-1], 0) + count
    assert found == {leaf: leaves.count(leaf) for leaf in set(leaves)}


@pytest.mark.parametrize(
    ("frame", "symbol"),
    [
        (
            "\tffffffff81000130 entry_SYSCALL_64_after_hwframe+0x76 ([kernel.kallsyms])",
            "entry_SYSCALL_64_after_hwframe_[k]",
        ),
        ("\tffffffffc0123456 nf_hook+0x1 ([nf_tables])", "nf_hook_[k]"),
        ("\t    7f417f0f2ad7 [unknown] ([unknown])", "[unknown]"),
        ("\t    7f417f0f2ad7 [unknown] (/usr/lib/libc.so.6)", "[libc.so.6]"),
        ("\t    7ffd1234 __vdso_gettimeofday+0x5 ([vdso])", "__vdso_gettimeofday"),
        ("\t   1b2c operator new(unsigned long)+0x18 (/usr/lib/libstdc++.so.6)", "operator new(unsigned long)"),
        ("\t   1b2c std::map<a, b>::find (inlined)", "std::map<a, b>::find"),
        ("\t   1b2c main.(*Cart).price (/usr/bin/cart)", "main.(*Cart).price"),
    ],
)
def test_a_frame_is_its_symbol(frame: str, symbol: str) -> None:
    assert stacks(f"{EVENT}{frame}\n\n", "perf-script") == {(symbol,): 1}


@pytest.mark.parametrize(
    "event",
    [
        "cart 4711 5008.783321: 1001001 cycles:u: ",
        "cart 4711/4712 [001] 5008.783321: cycles: ",
        "pool-1 thread 2 4711 [001] d..1. 5008.783321: 1 cycles:ppp: ",
        "swapper     0 [000] 5008.783321: 1 cpu-clock: ",
        ":-1    -1 [000] 5008.783321: 1 cpu-clock: ",
        "cart 4711 [001] 5008.783321: sched:sched_switch: prev_comm=a prev_pid=1",
    ],
)
def test_events_have_many_forms(event: str) -> None:
    assert stacks(f"{event}\n{FRAMES}") == {("main", "price"): 1}


@pytest.mark.parametrize("turn", [1, -1])
def test_events_of_several_kinds_are_refused_in_any_order(turn: int) -> None:
    parts = [EVENT + FRAMES, EVENT.replace("cpu-clock", "sched:sched_switch") + FRAMES][::turn]
    with pytest.raises(
        ProfileError, match=r"^line 6: .* kinds, cpu-clock and sched:sched_switch; .*--per-event-dump"
    ):
        read("".join(parts))


def test_a_kind_that_is_refused_is_fit_to_show() -> None:
    other = EVENT.replace("cpu-clock", "\x1b[31m" + "x" * 9000)
    with pytest.raises(ProfileError, match="events are of several kinds") as refused:
        read(EVENT + FRAMES + other + FRAMES, "perf-script")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_events_of_another_kind_without_frames_do_no_harm() -> None:
    other = EVENT.replace("cpu-clock", "sched:sched_switch")
    assert stacks(f"{other}\n{EVENT}{FRAMES}{other}") == {("main", "price"): 1}


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(("name", "modifier"), [("cycles", "P"), ("cycles", ""), ("cpu-cycles", "ppp")])
def test_the_cores_of_a_hybrid_cpu_are_one_kind(name: str, modifier: str, turn: int) -> None:
    kinds = [f"cpu_{cores}/{name}/{modifier}" for cores in ("core", "atom", "atom", "lowpower")][::turn]
    text = "".join(EVENT.replace("cpu-clock", kind) + FRAMES for kind in kinds)
    assert stacks(text) == {("main", "price"): 4}


def test_two_events_of_a_hybrid_cpu_are_two_kinds() -> None:
    kinds = ("cpu_core/cycles/P", "cpu_atom/instructions/P")
    with pytest.raises(ProfileError, match="kinds, cycles:P and instructions:P"):
        read("".join(EVENT.replace("cpu-clock", kind) + FRAMES for kind in kinds))


def test_an_event_without_frames_is_no_stack() -> None:
    assert stacks(EVENT + "\n" + EVENT + FRAMES) == {("main", "price"): 1}
    with pytest.raises(ProfileError, match="it holds no samples"):
        read(EVENT, "perf-script")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EVENT + "\tnot a frame\n", "line 2: it is no frame"),
        ("what is this\n", "line 1: it is no event"),
        (EVENT + FRAMES + "\n\ncut o", "line 7: it is no event"),
        (EVENT + "\t 1 a (b)\n" * 4097, "line 4098: a stack is deeper than 4096"),
    ],
)
def test_other_text_is_refused_with_the_line_at_fault(text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=f"^{message}"):
        read(text, "perf-script")


def test_a_comment_is_skipped() -> None:
    assert stacks("# captured on: …\n#\n" + EVENT + FRAMES) == {("main", "price"): 1}


def test_folded_stacks_are_not_taken_for_it() -> None:
    assert not is_perf_script(b"a;b (c.py:3) 12\nmain;[unknown] 3\n")
    assert is_perf_script((EVENT + FRAMES).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_a_profile_error(data: bytes) -> None:
    for content in (data, EVENT.encode() + data, EVENT.encode() + b"\t1 " + data + b" (x)\n"):
        try:
            assert read(content, "perf-script").total >= 1
        except ProfileError:
            continue


@pytest.mark.parametrize("part", [" (", " 1.1: ", " 1 1.1:", "a ", "1 ", ")", ":"])
def test_a_long_line_takes_no_longer_than_it_is(part: str) -> None:
    # What took a square of its length would take minutes.
    line = part * (60_000 // len(part))
    for text in (f"{EVENT}\t1 {line}\n", f"x{line}\n"):
        try:
            assert read(text, "perf-script").total >= 1
        except ProfileError:
            continue
