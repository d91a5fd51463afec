"""What profile servers differ in: how each kind is asked, and what its answer looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from webhook.observer.sources.exchange import Answer


class AnswerError(ValueError):
    """A server does not answer as one of its kind; the text goes on after the server's name, and is ours."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for.

    Attributes:
        counted: A profile type.
        series: A selector of series.
        start: The earliest beginning of a profile that counts, with a zone.
        end: The latest one.
    """

    counted: str
    series: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server.

    Attributes:
        path: Below the server's URL.
        content_type: Of questions and answers.
        question: Writes the body of a request.
        pprof: Finds the profile in an answer; no bytes for none; an AnswerError for anything else.
    """

    path: str
    content_type: str
    question: Callable[[Query], bytes]
    pprof: Callable[[Answer], bytes]
