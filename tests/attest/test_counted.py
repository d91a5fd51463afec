import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import counted, profile
from webhook.attest.counted import Counted, count_execution
from webhook.attest.profile import Stack, unpack


def paths(found: Counted) -> dict[Stack, int]:
    return {tuple(found.symbols[index] for index in unpack(path)): count for path, count in found.samples.items()}


@pytest.mark.parametrize(
    ("stack", "blame"),
    [
        # Go: an idle scheduler, a parked goroutine, the collector, the profiler, the initialisation of packages.
        (("runtime.mcall", "runtime.park_m", "runtime.schedule", "runtime.findRunnable", "runtime.stopm"), "go@1"),
        (("runtime.main", "main.main", "main.idle", "runtime.gopark"), "go@1"),
        (("runtime.gcBgMarkWorker", "runtime.systemstack", "runtime.gcDrain", "runtime.scanobject"), "go@1"),
        (("runtime/pprof.profileWriter", "runtime/pprof.(*profileBuilder).build", "compress/flate.x"), "go@1"),
        (("runtime.main", "runtime.doInit1", "example.com/tables.init"), "go@1"),
        # Python: a worker without work, the import of modules.
        (("<module> (w.py:15)", "Thread.run (threading.py:982)", "get (queue.py:171)"), "python@1"),
        (
            ("<module> (w.py)", "_find_and_load (<frozen importlib._bootstrap>:1176)", "<module> (json.py)"),
            "python@1",
        ),
        (("java.lang.Thread.run", "java.lang.Object.wait"), "jvm@1"),
        (("start_thread", "CompileBroker::compiler_thread_loop", "C2Compiler::compile_method"), "jvm@1"),
        (("(root)", "(program)"), "node@1"),
        (("main", "loop", "epoll_wait"), "native@1"),
        (("main", "loop", "epoll_wait", "do_syscall_64_[k]", "schedule_[k]"), "native@1"),
        (("cpu_startup_entry_[k]", "default_idle_[k]"), "kernel@1"),
        (("[unknown]", "[libc.so.6]"), "unnamed@1"),
    ],
)
def test_what_is_no_execution_is_left_out_by_name(stack: Stack, blame: str) -> None:
    found = counted({stack: 7, ("main", "price"): 1})
    assert found.left_out == {blame: 7}
    assert paths(found) == {("main", "price"): 1}


@pytest.mark.parametrize(
    ("stack", "path"),
    [
        (("runtime.main", "main.main", "runtime.mallocgc"), ("runtime.main", "main.main", "runtime.mallocgc")),
        (("main", "read", "do_syscall_64_[k]", "vfs_read_[k]"), ("main", "read")),
        (("[unknown]", "main", "[libc.so.6]", "price", "0xbeef"), ("main", "price")),
        (("main", "select_orders", "epoll_wait", "handler"), ("main", "select_orders", "epoll_wait", "handler")),
        (("a", "b", "b", "b"), ("a", "b")),
        (("a", "b", "c", "b", "d"), ("a", "b", "d")),
        (("a", "b", "c", "a"), ("a",)),
        (("a", "b", "a", "c", "b", "d"), ("a", "c", "b", "d")),
        (("fib (w.py:7)", "fib (w.py:8)"), ("fib (w.py)",)),
    ],
)
def test_a_call_path_names_functions_and_none_twice(stack: Stack, path: Stack) -> None:
    assert paths(counted({stack: 3})) == {path: 3}


def test_a_program_that_only_waits_does_not_count() -> None:
    found = counted({("runtime.mcall", "runtime.schedule"): 900, ("main.main", "runtime.gopark"): 100})
    assert (found.total, found.samples, found.left_out) == (0, {}, {"go@1": 1000})


_SYMBOLS = ["a", "b", "c", "d", "runtime.gopark", "runtime.mcall", "x_[k]", "[unknown]", "get (queue.py)"]
_STACKS = st.lists(st.sampled_from(_SYMBOLS), min_size=1, max_size=8).map(tuple)
_SAMPLES = st.dictionaries(_STACKS, st.integers(1, 10**6), min_size=1)


@given(_SAMPLES)
def test_everything_counts_or_is_left_out(samples: dict[Stack, int]) -> None:
    found = count_execution(profile(samples))
    assert found.total + sum(found.left_out.values()) == sum(samples.values())
    assert len(found.samples) <= len(samples)


@given(_SAMPLES)
def test_a_path_keeps_its_leaf_and_its_outermost_caller_unless_that_is_called_again(
    samples: dict[Stack, int],
) -> None:
    for stack, count in samples.items():
        frames = [symbol for symbol in stack if symbol not in {"x_[k]", "[unknown]"}]
        for path in paths(counted({stack: count})):
            assert len(set(path)) == len(path)
            assert (path[0], path[-1]) == (frames[0], frames[-1])


@given(_SAMPLES)
def test_counting_what_counts_again_changes_nothing(samples: dict[Stack, int]) -> None:
    once = counted(samples)
    if once.samples:
        assert paths(counted(paths(once))) == paths(once)


def test_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    count_execution(profile({("a",): 1}), lambda done, total: seen.append((done, total)))
    assert seen == [(0, 1)]


def test_many_stacks_count_as_few_do() -> None:
    # More than two batches; every third one waits, every third one is recursive.
    shapes = [("work",), ("work", "runtime.gopark"), ("work", "again", "work", "done")]
    stacks = {(f"f{number}", *shapes[number % 3]): number + 1 for number in range(1000)}
    found = counted(stacks)
    waited = sum(count for stack, count in stacks.items() if stack[-1] == "runtime.gopark")
    assert found.left_out == {"go@1": waited}
    assert found.total == sum(stacks.values()) - waited
    assert paths(found) == {
        (stack[0], "work", "done") if len(stack) > 3 else stack: count
        for stack, count in stacks.items()
        if stack[-1] != "runtime.gopark"
    }


@pytest.mark.parametrize("other", ["[unknown]", "fib (w.py:7)"])
def test_names_that_are_no_functions_do_not_move_others(other: str) -> None:
    stacks: dict[Stack, int] = {(f"f{number}", other, "leaf"): 1 for number in range(600)}
    kept = () if other == "[unknown]" else ("fib (w.py)",)
    assert paths(counted(stacks)) == {(f"f{number}", *kept, "leaf"): 1 for number in range(600)}
