"""What a simulated registry notes of requests, and the documents that it makes up."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Seen:
    """One request.

    Attributes:
        operation: `manifest`, `blob`, `referrers`, `token` or `other`.
        method: The HTTP method.
        path: With the query.
        headers: As they came, names in lower case.
    """

    operation: str
    method: str
    path: str
    headers: dict[str, str]

    @property
    def authorization(self) -> str | None:
        """Who asked, as it was said."""
        return self.headers.get("authorization")


def operation_of(path: str) -> str:
    """Names what a path asks for."""
    parts = path.split("/")
    known = {"manifests": "manifest", "blobs": "blob", "referrers": "referrers"}
    return "token" if path == "/token" else known.get(parts[-2], "other")


def missing(code: str) -> web.Response:
    """Says that there is no such thing."""
    return web.json_response({"errors": [{"code": code}]}, status=404)


def referrer(own: str, kind: str, raw: bytes, subject: str) -> dict[str, Any] | None:
    """Makes a referrer's descriptor as the specification says: the artifact type is that of the config by default."""
    content = json.loads(raw)
    if content.get("subject", {}).get("digest") != subject:
        return None
    entry = {"mediaType": kind, "digest": own, "size": len(raw)}
    artifact_type = content.get("artifactType") or content.get("config", {}).get("mediaType")
    extra = {"artifactType": artifact_type, "annotations": content.get("annotations")}
    return entry | {key: value for key, value in extra.items() if value}
