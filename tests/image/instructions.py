"""The Dockerfile and its ignore file, read as a builder reads them."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.docs.console import ROOT


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        stage: The number of its stage from 1; 0 before the first.
        name: In capitals.
        value: The rest, its continued lines joined.
    """

    stage: int
    name: str
    value: str


def instructions() -> list[Instruction]:
    """Reads the Dockerfile."""
    lines = [line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    found: list[Instruction] = []
    stage = 0
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, _, value = line.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(stage, name, " ".join(value.split())))
    return found


def in_context(path: str) -> bool:
    """Tells whether a file reaches the builder, by the rules of .dockerignore: the last pattern that matches decides.

    Args:
        path: Relative to the root of the repository.
    """
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = True
    for line in lines:
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        places = [PurePosixPath(path), *PurePosixPath(path).parents]
        if any(re.fullmatch(_expression(pattern), str(place)) for place in places if str(place) != "."):
            kept = line.startswith("!")
    return kept


def _expression(pattern: str) -> str:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(words.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*)", pattern))
