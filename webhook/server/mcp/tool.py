"""What a tool is, whoever calls it and by whatever way."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.model.evidence_schema import Schema

Arguments = Mapping[str, Any]
"""A call's arguments, as strict JSON was read."""


class ToolError(Exception):
    """A call that cannot be answered; the text is ours, one lower-case clause, and safe to show."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that reads, and changes nothing.

    Attributes:
        name: What it is called by.
        title: For people.
        description: What it does, for a model.
        input_schema: JSON Schema of the arguments.
        output_schema: JSON Schema of the answer.
        call: Answers, by an object that the output schema accepts; raises `ToolError` for arguments that the input
            schema or a limit refuses.
    """

    name: str
    title: str
    description: str
    input_schema: Schema
    output_schema: Schema
    call: Callable[[Arguments], Awaitable[dict[str, Any]]]
