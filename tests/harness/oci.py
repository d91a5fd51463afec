"""Images in a registry, pushed by the letter of the OCI distribution and image specifications, version 1.1."""

import hashlib
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
_TIMEOUT_SECONDS = 10


def sha256(content: bytes) -> str:
    """Names bytes as registries do.

    Args:
        content: The bytes.

    Returns:
        `sha256:` and 64 hexadecimal digits.
    """
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def connect(host: str, tls: ssl.SSLContext | None) -> http.client.HTTPConnection:
    """Opens a connection to a registry.

    Args:
        host: Its host and port.
        tls: As in `Pusher`.

    Returns:
        The connection, to be closed.
    """
    if tls is None:
        return http.client.HTTPConnection(host, timeout=_TIMEOUT_SECONDS)
    return http.client.HTTPSConnection(host, timeout=_TIMEOUT_SECONDS, context=tls)


@dataclass(frozen=True)
class Pusher:
    """Somebody who pushes to a repository.

    Attributes:
        host: The registry's host and port.
        path: The repository's path.
        headers: Added to each request, for example `Authorization`.
        tls: For a registry that speaks https; None for plain HTTP.
    """

    host: str
    path: str
    headers: Mapping[str, str] | None = None
    tls: ssl.SSLContext | None = None

    @property
    def repository(self) -> str:
        """Host and path."""
        return f"{self.host}/{self.path}"

    def image(self, name: str, platform: str = "linux/amd64", tag: str | None = None) -> str:
        """Pushes an image with a single small layer.

        Args:
            name: Any text; the same text and platform are the same image.
            platform: Operating system and architecture.
            tag: Its tag, by default the name.

        Returns:
            The manifest's digest.
        """
        return str(self._image(name, platform, tag or name)["digest"])

    def index(self, name: str, platforms: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Pushes an image for several platforms.

        Args:
            name: As for `image`, also the tag.
            platforms: Each as for `image`; `unknown/unknown` is what BuildKit calls its attestations.

        Returns:
            The index's digest, and the digest of each platform's manifest.
        """
        children = []
        for platform in platforms:
            system, _, architecture = platform.partition("/")
            named = {"os": system, "architecture": architecture}
            children.append(self._image(name, platform) | {"platform": named})
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": children}
        digests = {platform: str(child["digest"]) for platform, child in zip(platforms, children, strict=True)}
        return self.manifest(index, INDEX, name), digests

    def manifest(self, content: Mapping[str, Any], media_type: str, tag: str | None = None) -> str:
        """Pushes a manifest or an index whose parts are there already.

        Args:
            content: The manifest.
            media_type: Its type.
            tag: Its tag, or None.

        Returns:
            Its digest.
        """
        raw = json.dumps(content).encode()
        digest = sha256(raw)
        for reference in (digest, tag) if tag else (digest,):
            self._send("PUT", f"manifests/{reference}", raw, media_type)
        return digest

    def blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Pushes a blob.

        Args:
            content: The bytes.
            media_type: What its descriptor says about them.

        Returns:
            The descriptor.
        """
        location = self._send("POST", "blobs/uploads/", b"")
        digest = sha256(content)
        target = location + ("&" if "?" in location else "?") + f"digest={digest}"
        self._send("PUT", target, content, "application/octet-stream")
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def delete(self, reference: str) -> None:
        """Deletes a manifest or a tag.

        Args:
            reference: A digest or a tag.
        """
        self._send("DELETE", f"manifests/{reference}", b"")

    def _image(self, name: str, platform: str, tag: str | None = None) -> dict[str, Any]:
        system, _, architecture = platform.partition("/")
        layer = self.blob(name.encode(), "application/vnd.oci.image.layer.v1.tar")
        config = {
            "os": system,
            "architecture": architecture,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(json.dumps(config).encode(), CONFIG),
            "layers": [layer],
        }
        digest = self.manifest(manifest, MANIFEST, tag)
        return {"mediaType": MANIFEST, "digest": digest, "size": len(json.dumps(manifest).encode())}

    def _send(self, method: str, target: str, body: bytes, media_type: str | None = None) -> str:
        """Sends a request that must succeed, and gives the path of the answer's `Location`."""
        connection = connect(self.host, self.tls)
        try:
            path = target if target.startswith("/") else f"/v2/{self.path}/{target}"
            headers = {"Content-Length": str(len(body)), **(self.headers or {})}
            connection.request(method, path, body, headers | ({"Content-Type": media_type} if media_type else {}))
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
            raise AssertionError(f"{method} {path} of {self.host}: {answer.status} {said[:200]!r}")
        location = urlsplit(answer.headers["Location"] or "")
        return f"{location.path}?{location.query}" if location.query else location.path
