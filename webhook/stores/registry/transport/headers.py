"""The two headers of a registry that need a grammar: `WWW-Authenticate` (RFC 9110) and `Link` (RFC 8288).

Both may be hostile, and both are read strictly: a challenge or a list of which we understand only a part would be
answered with half of what is needed, or taken for whole.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SPACE = r"[ \t]*"
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_SEPARATORS = re.compile(r"[ \t,]*")
_SCHEME = re.compile(rf"({_NAME})(?:[ \t]+|(?=,)|$)")
_PARAMETER = re.compile(rf"{_SPACE}({_NAME}){_SPACE}={_SPACE}(?:({_NAME})|{_QUOTED}){_SPACE}(?:,|$)")
_TOKEN68 = re.compile(rf"[A-Za-z0-9._~+/-]+=*{_SPACE}(?:,|$)")
_TARGET = re.compile(r"<([^<>]*)>")
_TARGET_PARAMETER = re.compile(rf"{_SPACE};{_SPACE}(?:({_NAME})(?:{_SPACE}={_SPACE}(?:({_NAME})|{_QUOTED}))?)?")
_ESCAPE = re.compile(r"\\(.)")


class HeaderError(ValueError):
    """A header that does not follow its grammar."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a registry lets itself be convinced.

    Attributes:
        scheme: In lower case, for example `bearer`.
        parameters: By their names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(values: Sequence[str]) -> tuple[Challenge, ...]:
    """Reads `WWW-Authenticate` (RFC 9110, section 11.6.1).

    Args:
        values: The header's values; aiohttp has capped them.

    Returns:
        The challenges in their order.

    Raises:
        HeaderError: They do not follow the grammar, or a parameter is given twice.
    """
    text = _joined(values)
    found: list[Challenge] = []
    position = _after_separators(text, 0)
    while position < len(text):
        scheme = _SCHEME.match(text, position)
        if scheme is None:
            raise HeaderError("no scheme")
        position = scheme.end()
        parameters: dict[str, str] = {}
        if token68 := _TOKEN68.match(text, position):
            # `Bearer, Basic realm="x"`: what looks like a token there is the next scheme, and has no space before it.
            position = token68.end()
        while parameter := _PARAMETER.match(text, position):
            name, plain, quoted = parameter.groups()
            if name.lower() in parameters:
                raise HeaderError("a parameter twice")
            parameters[name.lower()] = _value(plain, quoted)
            position = _after_separators(text, parameter.end())
        found.append(Challenge(scheme[1].lower(), parameters))
        position = _after_separators(text, position)
    return tuple(found)


def next_link(values: Sequence[str]) -> str | None:
    """Finds where a list goes on (RFC 8288; distribution specification, `Link`).

    Args:
        values: The header's values; aiohttp has capped them.

    Returns:
        The target of the relation `next`, mostly relative, or None if the list ends here.

    Raises:
        HeaderError: They do not follow the grammar, or name two targets.
    """
    text = _joined(values)
    found: list[str] = []
    position = _after_separators(text, 0)
    while position < len(text):
        target = _TARGET.match(text, position)
        if target is None:
            raise HeaderError("no target")
        position = target.end()
        while parameter := _TARGET_PARAMETER.match(text, position):
            name, plain, quoted = parameter.groups()
            if (name or "").lower() == "rel" and "next" in _value(plain, quoted).lower().split():
                found.append(target[1])
            position = parameter.end()
        end = _after_separators(text, position)
        if end < len(text) and "," not in text[position:end]:
            raise HeaderError("no comma")
        position = end
    if len(found) > 1:
        raise HeaderError("two next pages")
    return found[0] if found else None


def _joined(values: Sequence[str]) -> str:
    text = ", ".join(values)
    if not text.isascii():
        raise HeaderError("not ASCII")
    return text


def _value(plain: str | None, quoted: str | None) -> str:
    return plain or _ESCAPE.sub(r"\1", quoted or "")


def _after_separators(text: str, position: int) -> int:
    match = _SEPARATORS.match(text, position)
    return position if match is None else match.end()
