"""A profile: which call stacks were seen, and how often.

Every format's parser yields a `Profile`; counting and building know no format. A stack is kept as packed indices
into the table of symbols, four bytes a frame: a million stacks of twenty frames then take a hundred mebibytes.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Stack = tuple[str, ...]
"""The symbols of one call stack, outermost caller first, at least one. The last one, the leaf, was running."""

FRAME = array("I").itemsize
"""Bytes of one frame in a packed stack: an index in native byte order."""

SAMPLES = "samples/count"
"""The measure of every profile that counts how often the program was looked at."""


class ProfileError(ValueError):
    """The bytes are no profile that counts can be made from; the text says where and why, and is ours."""


class EmptyProfileError(ProfileError):
    """The profile is one, and nothing was measured."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A file that a profile was read from.

    Attributes:
        digest: `sha256:` and 64 hexadecimal digits over the file's bytes, compressed or not, as it was given.
        media_type: The format of its content.
        content: The same over the unpacked bytes, or empty if nobody knows; no statement has it. Of one recording
            it is one, however it is packed.
    """

    digest: str
    media_type: str
    content: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A parsed profile.

    Attributes:
        symbols: The symbols that its stacks may point to, each once.
        samples: Packed stacks, outermost caller first, with what was measured there, at least 1; not empty.
        measure: What was measured, `TYPE/UNIT` as pprof has it, for example `samples/count`.
        sources: The files, sorted.
    """

    symbols: Sequence[str]
    samples: Mapping[bytes, int]
    measure: str
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, stacks: Mapping[Stack, int], sources: tuple[Source, ...] = (), measure: str = SAMPLES) -> "Profile":
        """Packs stacks that are at hand as text.

        Args:
            stacks: Stacks with what was measured there.
            sources: The files.
            measure: What was measured.

        Returns:
            The profile.
        """
        indices: dict[str, int] = {}
        samples = {
            pack([indices.setdefault(symbol, len(indices)) for symbol in stack]): count
            for stack, count in stacks.items()
        }
        return cls(tuple(indices), samples, measure, sources)

    @property
    def total(self) -> int:
        """All that was measured."""
        return sum(self.samples.values())

    def stacks(self) -> Iterator[tuple[Stack, int]]:
        """Gives the stacks as text.

        Yields:
            A stack, and what was measured there.
        """
        for packed, count in self.samples.items():
            yield tuple(self.symbols[index] for index in unpack(packed)), count


def pack(indices: Sequence[int]) -> bytes:
    """Packs a stack.

    Args:
        indices: Of its symbols, outermost caller first.

    Returns:
        `FRAME` bytes an index.
    """
    return array("I", indices).tobytes()


def unpack(packed: bytes) -> "array[int]":
    """Unpacks a stack.

    Args:
        packed: What `pack` gave.

    Returns:
        The indices of its symbols.
    """
    return array("I", packed)
