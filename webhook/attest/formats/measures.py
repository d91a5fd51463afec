"""Which of several things that a profile measured is counted."""

from collections.abc import Sequence

from webhook.attest.profile import SAMPLES, ProfileError

TIMES = {"nanoseconds": 1, "microseconds": 1_000, "milliseconds": 1_000_000, "seconds": 1_000_000_000}
"""Units of time in nanoseconds."""

_CHARACTERS = 256
"""Of the name: that many a predicate can hold."""

_ALIASES = {"sample/count": SAMPLES, "events/count": SAMPLES, "cpu-samples/count": SAMPLES}
"""Other names of the same thing, so that profiles of several tools can be added up."""


def choose(kinds: Sequence[tuple[str, str]]) -> tuple[int, str, int]:
    """Chooses what is counted: the first that is a count, else the first that is a time.

    A CPU profile of Go has `samples/count` and `cpu/nanoseconds`, a heap profile `alloc_objects/count`,
    `alloc_space/bytes`, `inuse_objects/count` and `inuse_space/bytes`: the first one is how often the program was
    seen there, which is what evidence is about. Bytes say nothing about execution.

    Args:
        kinds: Type and unit of each.

    Returns:
        Its position, its name (`samples/count`, or a time in nanoseconds), and by what its values are multiplied.

    Raises:
        ProfileError: None of them is a count or a time, or its name is none that could be shown.
    """
    for position, (kind, unit) in enumerate(kinds):
        if unit == "count":
            name = f"{kind}/{unit}"
            return position, _shown(_ALIASES.get(name, name)), 1
    for position, (kind, unit) in enumerate(kinds):
        if unit in TIMES:
            return position, _shown(f"{kind}/nanoseconds"), TIMES[unit]
    raise ProfileError("it measures neither a count nor a time")


def _shown(name: str) -> str:
    # It goes into terminals, drawings and statements as it is, and readers refuse a statement with any other name.
    if len(name) > _CHARACTERS or not name.isprintable():
        raise ProfileError(
            f"what it measures has a name that is longer than {_CHARACTERS} characters or cannot be printed; "
            "name its sample type otherwise where it is recorded"
        )
    return name
