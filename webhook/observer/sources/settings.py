"""The section `source`: the profile server that the observer asks."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from webhook.settings.remote import is_authority
from webhook.settings.section import Section

_URL = re.compile(r"https?://([^/]+)((?:/[A-Za-z0-9._~-]+)*)/?")
_CHARACTERS = 500
_PART = r"[A-Za-z0-9_.-]{1,64}"
_PROFILE_TYPE = rf"^{_PART}:{_PART}:{_PART}:(?:{_PART})?:(?:{_PART})?(?::delta)?$"
_MATCHED = r"^[A-Za-z0-9_.:/@-]{1,253}$"
"""Names of clusters and the like; nothing that would have to be escaped in a selector."""
_MATCHERS = 16
_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]{0,127}$"


def _url(text: str) -> str:
    match = _URL.fullmatch(text)
    if match is None or not is_authority(match[1]) or len(text) > _CHARACTERS:
        raise ValueError("write `https://HOST[:PORT][/PATH]`, the host in lower case, no user, query or fragment")
    return text.removesuffix("/")


LabelName = Annotated[str, Field(strict=True, pattern=_LABEL)]
MatchedText = Annotated[str, Field(strict=True, pattern=_MATCHED)]


class ServerKind(StrEnum):
    """Which server it is."""

    PYROSCOPE = "pyroscope"
    """Grafana Pyroscope 1.x: `querier.v1.QuerierService/SelectMergeProfile`."""
    PARCA = "parca"
    """Parca: `parca.query.v1alpha1.QueryService/Query`."""


_CPU = {
    ServerKind.PYROSCOPE: "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
    ServerKind.PARCA: "parca_agent:samples:count:cpu:nanoseconds:delta",
}
"""CPU time: of Pyroscope's agents and SDKs, and of Parca's agent."""


class LabelSettings(Section):
    """Which labels of the server's series say where a profile comes from."""

    namespace: LabelName = "namespace"
    """Has the pod's namespace."""
    pod: LabelName = "pod"
    """Has the pod's name."""
    container: LabelName | None = "container"
    """Has the container's name; null if no label has."""


class BasicAuthSettings(Section):
    """A user of the server."""

    username: Annotated[str, Field(strict=True, pattern=r"^[!-9;-~]{1,128}$")]
    """The name, without a colon."""
    password_file: Path
    """The password; relative to the configuration file, read anew for each question."""


class SourceSettings(Section):
    """The profile server."""

    kind: ServerKind
    """Which server it is."""
    url: Annotated[str, Field(strict=True), AfterValidator(_url)]
    """Where it is, with the path that a proxy puts before its API."""
    insecure: Annotated[bool, Field(strict=True)] = False
    """Whether `http://` is meant; whoever is on the way can then write the profiles."""
    profile_type: Annotated[str, Field(strict=True, pattern=_PROFILE_TYPE)] | None = None
    """What is counted; by default CPU time, as the server's own agents call it."""
    labels: LabelSettings = LabelSettings()
    matchers: Annotated[dict[LabelName, MatchedText], Field(max_length=_MATCHERS)] = Field(default_factory=dict)
    """Further labels of the series, with their values: which of several clusters on one server is meant."""
    tenant: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9!_.*'()-]{1,150}$")] | None = None
    """Pyroscope's `X-Scope-OrgID`."""
    token_file: Path | None = None
    """The bearer token; relative to the configuration file, read anew for each question."""
    basic_auth: BasicAuthSettings | None = None
    """User and password, instead of a token."""
    ca_file: Path | None = None
    """PEM certificates that are trusted instead of the system's; relative to the configuration file."""
    timeout_seconds: Annotated[float, Field(strict=True, gt=0, le=300)] = 30.0
    """What one question gets."""

    @property
    def counted(self) -> str:
        """The profile type, `NAME:TYPE:UNIT:PERIOD_TYPE:PERIOD_UNIT`, with `:delta` where Parca wants it."""
        return self.profile_type or _CPU[self.kind]

    def files(self) -> Iterator[Path]:
        """Gives the files that the section names.

        Yields:
            Paths as they were written.
        """
        password = None if self.basic_auth is None else self.basic_auth.password_file
        yield from (file for file in (self.ca_file, self.token_file, password) if file is not None)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.url.startswith("http:") is not self.insecure:
            raise ValueError("`http://` and `insecure: true` go together; set both, or none")
        if self.insecure and any(self.files()):
            raise ValueError("a password or token is not sent, and no certificate asked for, over `http://`")
        twice = self.matchers.keys() & {self.labels.namespace, self.labels.pod, self.labels.container}
        if twice:
            raise ValueError(f"`matchers` names the label {min(twice)!r}, which `labels` has already")
        if self.token_file is not None and self.basic_auth is not None:
            raise ValueError("set `tokenFile` or `basicAuth`, not both")
        if self.kind is ServerKind.PARCA and self.tenant is not None:
            raise ValueError("Parca knows no `tenant`; leave it out")
        if self.kind is ServerKind.PYROSCOPE and self.counted.endswith(":delta"):
            raise ValueError("Pyroscope's profile types have five parts, and no `:delta`")
        return self
