"""What of a profile is no execution of the program: names, and what each of them leaves out (docs/adr/0022).

A filter never changes once it has a name; a better one gets the next number. A predicate names all that were applied.
"""

import re
from dataclasses import dataclass

from webhook.attest.tally import UNKNOWN

KERNEL = "kernel@1"
"""Frames of the operating system are no symbols of the image."""
UNNAMED = "unnamed@1"
"""Neither are addresses without a symbol."""

_KERNEL_FRAME = re.compile(r".*_\[k\]", re.DOTALL)
_UNNAMED_FRAME = re.compile(r"(?:\[[^\]]*\]|0x[0-9a-f]+)(?: \(.*\))?(?:\+0x[0-9a-f]+)?", re.DOTALL)
_THREAD_FRAME = re.compile(r"(?:thread|process) \(?(?:0x)?[0-9A-F]+\)?(?::.*)?", re.DOTALL)
_LINE = re.compile(r":\d+\)$")
_ANNOTATION = re.compile(r"_\[[jipw01]\]$")


@dataclass(frozen=True, slots=True)
class Filter:
    """What one runtime does when the program does nothing, or nothing of its own.

    Attributes:
        name: With its version.
        waiting: Leaves under which a thread waits.
        internal: Frames of the runtime; a stack that has no others is the runtime's own work.
        aside: Frames of what runs beside the program's work: the profiler, the start.
    """

    name: str
    waiting: re.Pattern[str]
    internal: re.Pattern[str]
    aside: re.Pattern[str]


NOTHING = re.compile(r"(?!)")
"""Matches no name."""

GO = Filter(
    name="go@1",
    waiting=re.compile(
        r"runtime\.(?:gopark|goparkunlock|futex|futexsleep|notesleep|notetsleepg?|usleep|nanosleep|epollwait|netpoll)"
        r"|runtime\.(?:block|selectgo|chanrecv[12]?|chansend1?|semacquire1?|semasleep|kevent|osyield|mPark|stopm)"
    ),
    internal=re.compile(
        r"(?:runtime|internal/runtime/[\w/]+|runtime/internal/\w+)\..+|_rt0_\w+|gogo|memclr\w*|memmove|x_cgo_\w+|crosscall\w*",
        re.DOTALL,
    ),
    aside=re.compile(r"(?:runtime/pprof|runtime/trace|net/http/pprof)\..+|runtime\.doInit1?", re.DOTALL),
)
"""The scheduler, the collector and the poller have stacks of package `runtime` alone; a parked goroutine ends in
`gopark`. `doInit` is the initialisation of packages."""

PYTHON = Filter(
    name="python@1",
    waiting=re.compile(
        r"(?:[\w.<>]+\.)?(?:select|poll) \((?:.*/)?selectors\.py\)"
        r"|(?:[\w.<>]+\.)?(?:wait|wait_for|acquire|join|_wait_for_tstate_lock) \((?:.*/)?threading\.py\)"
        r"|(?:[\w.<>]+\.)?(?:get|put|join) \((?:.*/)?(?:queue|multiprocessing/queues)\.py\)"
        r"|(?:[\w.<>]+\.)?(?:accept|readinto|recv_into) \((?:.*/)?(?:socket|ssl)\.py\)"
        r"|(?:[\w.<>]+\.)?(?:wait|result|_worker) \((?:.*/)?concurrent/futures/(?:_base|thread)\.py\)"
        r"|(?:[\w.<>]+\.)?(?:_?wait|_try_wait|communicate|_?poll) \((?:.*/)?(?:subprocess|multiprocessing/\w+)\.py\)"
    ),
    internal=NOTHING,
    aside=re.compile(r"_find_and_load \(<frozen importlib\._bootstrap>\)"),
)
"""What blocks in the standard library; below it are only C functions, which Python profilers do not show. The aside
is the import of modules."""

JVM = Filter(
    name="jvm@1",
    waiting=re.compile(
        r"(?:java[./]lang[./])(?:Object\.wait0?|Thread\.(?:sleep0?|yield0?))"
        r"|(?:jdk[./]internal|sun)[./]misc[./]Unsafe\.park"
        r"|sun[./]nio[./]ch[./](?:EPoll\.wait|EPollArrayWrapper\.epollWait|Net\.(?:accept|poll)|KQueue\.poll)"
        r"|java[./]net[./]PlainSocketImpl\.socketAccept"
        r"|java[./]lang[./]ref[./]Reference\.waitForReferencePendingList"
    ),
    internal=NOTHING,
    aside=re.compile(
        r"(?:CompileBroker::compiler_thread_loop|VMThread::(?:run|loop)|GangWorker::(?:run|loop)|WorkerThread::run"
        r"|ConcurrentGCThread::run|WatcherThread::run|SafepointSynchronize::.+)(?:\(.*\))?",
        re.DOTALL,
    ),
)
"""Threads of the virtual machine itself: compiler, collector, safepoints."""

NODE = Filter(
    name="node@1",
    waiting=re.compile(r"\(idle\)"),
    internal=re.compile(r"\((?:root|program|idle|garbage collector)\)"),
    aside=NOTHING,
)
"""What V8 calls its own states."""

NATIVE = Filter(
    name="native@1",
    waiting=re.compile(
        r"(?:__)?(?:GI_)?(?:__)?(?:libc_)?(?:epoll_p?wait2?|p?poll|p?select|nanosleep|clock_nanosleep(?:_time64)?|usleep|sleep"
        r"|pthread_cond_(?:timed|clock)?wait|futex_\w+|lll_lock_wait\w*|sem_(?:timed|clock)?wait|accept4?"
        r"|sigsuspend|sigwait(?:info)?|sigtimedwait|pause|wait4|waitpid|waitid|io_getevents|kevent)"
        r"(?:@@?[\w.]+)?(?: \((?=[^)]*\.so)[^)]*+\))?"
    ),
    internal=NOTHING,
    aside=NOTHING,
)
"""What blocks in the C library."""

FILTERS = (GO, JVM, NATIVE, NODE, PYTHON)
"""All of them; each knows its runtime by the form of the names, so that all can be applied to every profile."""

FILTER_NAMES = tuple(sorted((KERNEL, UNNAMED, *(entry.name for entry in FILTERS))))
"""What a predicate says was applied."""


def is_kernel(symbol: str) -> bool:
    """Tells whether a frame is the operating system's.

    Args:
        symbol: As the parser gave it.

    Returns:
        True for what is annotated so.
    """
    return _KERNEL_FRAME.fullmatch(symbol) is not None


def normalised(symbol: str) -> str | None:
    """Gives the function that a frame is of, whichever of its lines or compiled forms was running.

    Args:
        symbol: As the parser gave it.

    Returns:
        The function: without a line number in parentheses (py-spy, Austin), without the mark of a compiled form
        (`_[j]`, async-profiler); None for what is no function of the program: the kernel's, an address, a thread.
    """
    if symbol == UNKNOWN or is_kernel(symbol):
        return None
    if _UNNAMED_FRAME.fullmatch(symbol) or _THREAD_FRAME.fullmatch(symbol):
        return None
    return _ANNOTATION.sub("", _LINE.sub(")", symbol)) or None
