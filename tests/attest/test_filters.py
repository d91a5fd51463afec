import time

import pytest

from webhook.attest.filters import FILTER_NAMES, FILTERS, normalised

WAITING = {
    "go@1": ["runtime.gopark", "runtime.futex", "runtime.epollwait", "runtime.usleep", "runtime.notetsleepg"],
    "python@1": [
        "_PollLikeSelector.select (selectors.py)",
        "select (/usr/lib/python3.12/selectors.py)",
        "Condition.wait (threading.py)",
        "get (queue.py)",
        "socket.accept (socket.py)",
        "SocketIO.readinto (socket.py)",
        "_worker (concurrent/futures/thread.py)",
        "Popen._wait (subprocess.py)",
    ],
    "jvm@1": [
        "java.lang.Object.wait",
        "java/lang/Object.wait0",
        "jdk/internal/misc/Unsafe.park",
        "java.lang.Thread.sleep",
        "sun/nio/ch/EPoll.wait",
    ],
    "node@1": ["(idle)"],
    "native@1": [
        "epoll_wait",
        "__poll",
        "__GI___poll",
        "clock_nanosleep",
        "pthread_cond_timedwait@@GLIBC_2.3.2",
        "__futex_abstimed_wait_common64",
        "accept4",
        "epoll_wait (libc.so.6)",
        "__select",
    ],
}
WORKING = [
    "main.park",
    "main.(*Runtime).futex",
    "runtime.mallocgc",
    "select (cart.py)",
    "wait (cart/threading.py2)",
    "get (cart/queues.py)",
    "com.shop.Object.wait",
    "com/shop/Thread.sleep",
    "idle",
    "poll_orders",
    "shop::select",
    "my_epoll_wait",
    "sleepy",
    "(idle) 2",
]


@pytest.mark.parametrize(("name", "symbol"), [(name, symbol) for name, found in WAITING.items() for symbol in found])
def test_a_place_where_threads_wait_is_known_to_its_runtime_alone(name: str, symbol: str) -> None:
    assert [entry.name for entry in FILTERS if entry.waiting.fullmatch(symbol)] == [name]


@pytest.mark.parametrize("symbol", WORKING)
def test_a_function_of_the_program_is_no_waiting(symbol: str) -> None:
    assert not [entry.name for entry in FILTERS if entry.waiting.fullmatch(symbol)]


@pytest.mark.parametrize(
    ("symbol", "function"),
    [
        ("fib (w.py:7)", "fib (w.py)"),
        ("fib (w.py)", "fib (w.py)"),
        ("com/shop/Cart.price_[j]", "com/shop/Cart.price"),
        ("com/shop/Cart.price_[i]", "com/shop/Cart.price"),
        ("main.work", "main.work"),
        ("operator()(int)", "operator()(int)"),
        ("thread_pool (a.py)", "thread_pool (a.py)"),
        ("do_syscall_64_[k]", None),
        ("[unknown]", None),
        ("[libc.so.6]", None),
        ("0x7fcec844524a (libc.so.6)", None),
        ("thread (13301): MainThread", None),
        ('thread (0x7F01): "worker"', None),
        ("process 4711:python3 w.py", None),
    ],
)
def test_a_frame_is_its_function_or_none(symbol: str, function: str | None) -> None:
    assert normalised(symbol) == function


@pytest.mark.parametrize("part", ["a", ".", "/", " (", "[", "_[", ":1", "runtime.", "(:"])
def test_a_long_symbol_takes_no_longer_than_it_is(part: str) -> None:
    symbol = part * (60_000 // len(part))
    for text in (symbol, f"wait ({symbol}", f"{symbol}.wait (threading.py", f"thread {symbol}"):
        assert normalised(text) != ""
        for entry in FILTERS:
            assert not entry.waiting.fullmatch(text)
            entry.internal.fullmatch(text)
            entry.aside.fullmatch(text)


def test_every_filter_has_a_name_and_a_version() -> None:
    assert len(set(FILTER_NAMES)) == len(FILTERS) + 2
    assert all(name.partition("@")[2].isdigit() for name in FILTER_NAMES)


def test_no_name_keeps_a_filter_busy() -> None:
    # Whoever is profiled chooses the names. This one took 1.7 s, and the interpreter with it.
    name = f"poll ({'N.so' * 15_000}"

    def seconds() -> float:
        began = time.process_time()
        assert not any(entry.waiting.fullmatch(name) for entry in FILTERS)
        return time.process_time() - began

    assert min(seconds() for _ in range(3)) < 0.1
