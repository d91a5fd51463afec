"""speedscope's file format.

Source: https://www.speedscope.app/file-format-schema.json. py-spy writes profiles of the type `sampled`, pyinstrument
those of the type `evented`.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from webhook.attest.formats.documents import integer_of, list_of, object_of, parse_document, text_of
from webhook.attest.formats.measures import TIMES
from webhook.attest.profile import FRAME, SAMPLES, ProfileError
from webhook.attest.tally import WATCH_EVERY, Tally, Watch, check_depth, symbol_of

MEDIA_TYPE = "application/vnd.speedscope+json"
"""Nobody has registered a media type for this format."""

_LONGEST = 2.0**62


def parse_speedscope(content: bytes, tally: Tally, watch: Watch) -> str:
    """Reads all profiles of a file, those of several threads as a rule, and adds them up.

    A `sampled` profile says how often the program was seen on a stack: by its weights where they have no unit, else
    once a sample, whatever time above 0 each of them stands for. An `evented` profile has no samples, only times.

    Args:
        content: UTF-8 text.
        tally: Gets the stacks.
        watch: Is told of the progress, in samples or events.

    Returns:
        What was measured.

    Raises:
        ProfileError: It is no such file, points to what it does not hold, or a limit is exceeded.
    """
    document = parse_document(content)
    entries = list_of(object_of(document.get("shared")).get("frames"))
    frames = [tally.frame(_symbol(object_of(entry))) for entry in entries]
    profiles = [object_of(profile) for profile in list_of(document.get("profiles"))]
    kinds = {text_of(profile.get("type")) for profile in profiles}
    if kinds == {"sampled"}:
        for profile in profiles:
            _sampled(profile, frames, tally, watch)
        return SAMPLES
    if kinds == {"evented"}:
        for profile in profiles:
            _Events(profile, frames, tally).read(watch)
        return "time/nanoseconds"
    raise ProfileError("its profiles must be all `sampled` or all `evented`")


def _symbol(frame: dict[str, Any]) -> str:
    return symbol_of(text_of(frame.get("name")), text_of(frame.get("file")))


def _packed(frames: Sequence[bytes], index: Any) -> bytes:
    number = integer_of(index)
    if not 0 <= number < len(frames):
        raise ProfileError("it points to a frame that is not there")
    return frames[number]


def _sampled(profile: dict[str, Any], frames: Sequence[bytes], tally: Tally, watch: Watch) -> None:
    samples, weights = list_of(profile.get("samples")), list_of(profile.get("weights"))
    if len(samples) != len(weights):
        raise ProfileError("it has another number of weights than of samples")
    unit = text_of(profile.get("unit"))
    if unit != "none" and unit not in TIMES:
        raise ProfileError("a `sampled` profile must have the unit `none` or one of time: nothing else is execution")
    for done, (stack, weight) in enumerate(zip(samples, weights, strict=True)):
        indices = list_of(stack)
        check_depth(len(indices))
        count = integer_of(weight) if unit == "none" else _sign(_amount(weight, "weight"))
        # An empty stack: nothing ran. What is less than nothing is refused by the tally.
        if indices or count < 0:
            tally.add(b"".join([_packed(frames, index) for index in indices]), count)
        if done % WATCH_EVERY == 0:
            watch(done, len(samples))


def _amount(value: Any, what: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LONGEST:
        raise ProfileError(f"a {what} is expected where it has something else")
    return value


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


class _Events:
    """Follows the events of one profile: what is on top of the stack between two of them has run."""

    def __init__(self, profile: dict[str, Any], frames: Sequence[bytes], tally: Tally) -> None:
        unit = text_of(profile.get("unit"))
        if unit not in TIMES:
            raise ProfileError("an `evented` profile must have a unit of time")
        self._factor = TIMES[unit]
        self._events = list_of(profile.get("events"))
        self._now = self._time(profile.get("startValue", 0))
        self._frames = frames
        self._tally = tally
        # As it is added up: to copy it at each event costs a fraction of joining its frames anew.
        self._stack = bytearray()

    def read(self, watch: Watch) -> None:
        """Adds all of them up."""
        for done, entry in enumerate(self._events):
            event = object_of(entry)
            self._pass_to(self._time(event.get("at")))
            frame = _packed(self._frames, event.get("frame"))
            if event.get("type") == "O":
                self._stack += frame
                check_depth(len(self._stack) // FRAME)
            elif event.get("type") == "C" and self._stack[-FRAME:] == frame:
                del self._stack[-FRAME:]
            else:
                raise ProfileError("its events do not open and close frames in order")
            if done % WATCH_EVERY == 0:
                watch(done, len(self._events))

    def _pass_to(self, time: int) -> None:
        if time < self._now:
            raise ProfileError("its events are not in the order of time")
        if self._stack and time > self._now:
            self._tally.add(bytes(self._stack), time - self._now)
        self._now = time

    def _time(self, value: Any) -> int:
        # By way of the shortest decimal: 0.1 s are 100 000 000 ns on every machine.
        return int((Decimal(str(_amount(value, "time"))) * self._factor).to_integral_value(ROUND_HALF_UP))
