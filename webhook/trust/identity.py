"""People and machines that sign with a short-lived certificate instead of a key: who they are, by whose word.

Source: Fulcio, docs/certificate-specification.md; the spelling of the members is policy-controller's
(ClusterImagePolicy, `keyless.identities`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from webhook.model.pattern import RepositoryPattern
from webhook.trust.bounds import Bounded
from webhook.trust.extra import load_re2
from webhook.trust.strangers import leaves_open

PATTERN_CHARACTERS = 1024
"""The longest regular expression."""

_PATTERN_BYTES = 1024 * 1024
"""What a compiled expression and its automaton may take."""

_ANYBODY = (
    ("a1@one.example", "b2@two.test"),
    ("a1@gmail.com", "b2@gmail.com"),
    ("a1!one.example", "b2!two.test"),
    ("https://one.example/a", "https://two.test/b/c"),
    ("https://github.com/a/b/.github/workflows/c.yml@refs/heads/d", "https://github.com/e/f/g/h/i.yaml@refs/tags/j"),
    ("https://gitlab.com/a/b//.gitlab-ci.yml@refs/heads/c", "https://gitlab.com/d/e/f//g.yml@refs/tags/h"),
)
"""Pairs of subjects that have nothing in common but what anybody can get."""

_ANY_ISSUER = ("https://one.example", "https://two.test/a")


class PatternError(ValueError):
    """A text is no regular expression that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """What a text must be: exactly one, or any that a regular expression matches as a whole.

    Attributes:
        text: The text, or the expression.
        is_pattern: Which of the two.
    """

    text: str
    is_pattern: bool = False

    @classmethod
    def pattern(cls, text: str) -> "TextRule":
        """Makes a rule of a regular expression.

        Args:
            text: RE2 syntax, up to 1024 characters. It must match the whole text, with `^` and `$` or without.

        Returns:
            The rule.

        Raises:
            PatternError: It is too long, too large, or no regular expression of RE2.
            KeylessNotInstalledError: google-re2 is not there.
        """
        if len(text) > PATTERN_CHARACTERS:
            raise PatternError(f"the regular expression is longer than {PATTERN_CHARACTERS} characters")
        _compiled(text)
        return cls(text, is_pattern=True)

    def matches(self, value: str) -> bool:
        """Tells whether a text is meant, in time that is linear in its length.

        Args:
            value: A subject or an issuer.

        Returns:
            True if it is.
        """
        if not self.is_pattern:
            return value == self.text
        return _compiled(self.text).fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class TrustedIdentity(Bounded):
    """An identity with the bounds of what it may speak for.

    Attributes:
        name: The name that messages and records show.
        issuer: Who has authenticated it: an OpenID Connect issuer's URL.
        subject: What the issuer knows it as: a mail address, a workflow's URL, a user's name.
        environments: Names of evidence environments, case-folded; None means any.
        repositories: Patterns of image repositories; None means any.
    """

    name: str
    issuer: TextRule
    subject: TextRule
    environments: frozenset[str] | None = None
    repositories: tuple[RepositoryPattern, ...] | None = None

    def matches(self, issuer: str, subject: str) -> bool:
        """Tells whether it is who a certificate names.

        Args:
            issuer: The certificate's issuer of identities.
            subject: The certificate's subject.

        Returns:
            True if both match.
        """
        return self.issuer.matches(issuer) and self.subject.matches(subject)

    @property
    def remark(self) -> str | None:
        """What is hardly meant, of the commonest mistakes: that anybody counts. That there is none proves nothing."""
        if self.issuer.is_pattern and all(map(self.issuer.matches, _ANY_ISSUER)):
            return "issuerRegExp matches every issuer, so anybody can be its subject."
        if self.subject.is_pattern and any(all(map(self.subject.matches, pair)) for pair in _ANYBODY):
            return "subjectRegExp matches strangers: anybody can get such a subject."
        if self.subject.is_pattern and leaves_open(self.subject.text):
            return (
                "subjectRegExp leaves open whose subject it is: write host and owner out "
                "(`https://github.com/OWNER/`), or the domain to its end."
            )
        return None

    @property
    def content(self) -> dict[str, object]:
        """What a verdict can depend on, as canonical JSON takes it."""
        return {"name": self.name, **self.bounds} | {
            f"{member}RegExp" if rule.is_pattern else member: rule.text
            for member, rule in (("issuer", self.issuer), ("subject", self.subject))
        }


@lru_cache(256)
def _compiled(text: str) -> Any:
    re2 = load_re2()
    options = re2.Options()
    options.max_mem = _PATTERN_BYTES
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeError):
        raise PatternError("it is no regular expression that RE2 knows, or one that is too large") from None
