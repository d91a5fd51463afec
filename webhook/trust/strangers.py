"""Whether a regular expression for subjects leaves open whose subject it is.

It reads the expression's text and knows the commonest mistakes; that it finds nothing proves nothing.

Sources: Fulcio, docs/oidc.md (which subjects issuers have); RE2's syntax.
"""

import re

_OWNED = re.compile(
    # Where everybody may have a place, that must be named too.
    r"https?://(?:github|gitlab)\.com/[^/]+/"
    r"|https?://kubernetes\.io/namespaces/[^/]+/"
    r"|(?!https?://(?:github\.com|gitlab\.com|kubernetes\.io)/)[a-z][a-z0-9+.-]*://[^/]+/"
)
"""Beginnings of a URI that one owner alone has."""

_PIECE = re.compile(
    r"(?:\\|\[(?=.\]))(?P<escaped>[^A-Za-z0-9^])\]?(?![*+?{])"
    r"|\((?:\?:)?(?P<first>[A-Za-z0-9_-]+)(?:\|[A-Za-z0-9_-]+)*\)(?![*+?{])"
    # Most people leave the dots of a host as they are.
    r"|(?P<plain>[^\\()\[\]{}|^$*+?])(?![*+?{])"
    r"|[A-Za-z]\?"
)
"""What stands for one text, for one of a few names, or for a letter that may be missing."""

_DOMAIN = re.compile(r"[@!](?:[A-Za-z0-9_-]|\\?\.|\[\.\]|\([A-Za-z0-9_|-]+\))+\$?")
"""The end of an account's name: whose it is."""

_WHOLE = re.compile(r"\^?\((?:\?:)?([^()]*)\)\$?")
_SPLIT = re.compile(r"\\.|\[[^\]]*\]|[()|]")


def leaves_open(pattern: str) -> bool:
    """Tells whether an expression names nobody: neither host and owner of a URI, nor the domain of an account.

    Args:
        pattern: RE2 syntax.

    Returns:
        True if one of its alternatives names nobody. False also for expressions of kinds that are not looked into.
    """
    whole = _WHOLE.fullmatch(pattern)
    return any(map(_names_nobody, _alternatives(pattern if whole is None else whole[1])))


def _names_nobody(pattern: str) -> bool:
    pattern = pattern.removeprefix("^")
    beginning, rest = _fixed_beginning(pattern)
    if rest in {"", "$"} or pattern.startswith("(") or _OWNED.match(beginning):
        return False
    sign = max(pattern.rfind("@"), pattern.rfind("!"), 0)
    # The `@` of a workflow's URI stands before a branch.
    return "://" in pattern or _DOMAIN.fullmatch(pattern, sign) is None


def _fixed_beginning(pattern: str) -> tuple[str, str]:
    """What matches begin with, of several names the first; and what of the expression is left."""
    beginning, position = "", 0
    while piece := _PIECE.match(pattern, position):
        beginning += piece["escaped"] or piece["first"] or piece["plain"] or ""
        position = piece.end()
    return beginning, pattern[position:]


def _alternatives(pattern: str) -> list[str]:
    """Splits an expression at the bars outside of all brackets."""
    found, depth, begin = [], 0, 0
    for match in _SPLIT.finditer(pattern):
        sign = match[0]
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and depth == 0:
            found.append(pattern[begin : match.start()])
            begin = match.end()
    return [*found, pattern[begin:]]
