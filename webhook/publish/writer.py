"""What is asked of a registry to publish evidence (distribution specification 1.1, "Pushing").

Each of these may be done twice, so whatever breaks off is done again; but for the writing of a tag, which others may
have written meanwhile. An upload goes on at the registry's own
origin: of the `Location` that it gives only the path and the query are used, and one of another host is refused,
since neither the credential nor the content is for anybody else.
"""

import asyncio
from dataclasses import dataclass, replace

from multidict import CIMultiDictProxy
from yarl import URL

from webhook.limits import LIMITS
from webhook.model.image import is_digest
from webhook.publish.documents import DOCKER_MANIFEST, INDEX, MANIFEST, Document
from webhook.publish.transport import Write, WritingTransport
from webhook.stores.registry.auth.credentials import Keyring
from webhook.stores.registry.client.client import RegistryClient
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import Outcome, RegistryError, status_error
from webhook.stores.registry.transport.messages import Answer, Patience, Request

PATIENCE = Patience(connect=5.0, silence=15.0, whole=40.0)
"""A pipeline waits longer than a review may."""

_LISTS = f"{INDEX}, {MANIFEST}, {DOCKER_MANIFEST}"
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
_CONFLICTS = frozenset({409, 412})
_REFUSALS = frozenset({Outcome.UNAUTHORIZED, Outcome.FORBIDDEN})
_CLAUSES = {
    400: "does not accept it (400)",
    404: "knows no repository {} that could be pushed to (404)",
    405: "takes no pushes (405)",
    413: "finds it too large (413)",
}
_REPLY_BYTES = 64 * 1024
_LOCATION_CHARACTERS = 8192


class ConflictError(RegistryError):
    """The registry refuses a change because of what is there (409, 412)."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a tag stands for at one moment.

    Attributes:
        raw: The document.
        media_type: As the registry calls it, without parameters.
        etag: Its strong validator (RFC 9110, section 8.8.3), or None.
    """

    raw: bytes
    media_type: str
    etag: str | None


class RegistryWriter(RegistryClient):
    """Reads as the gate does, and writes; asks for tokens that allow both."""

    _kind = WritingTransport
    _actions = "pull,push"

    async def tagged(self, repository: Repository, tag: str, keyring: Keyring) -> Tagged | None:
        """Reads what is at a tag.

        Args:
            repository: The repository.
            tag: The tag.
            keyring: Who asks.

        Returns:
            The document, or None if there is no such tag.

        Raises:
            RegistryError: It could not be read.
        """
        request = self._request(repository, "manifest", f"manifests/{tag}", LIMITS.manifest_bytes)
        answer = await self._answer(repository, replace(request, headers={"Accept": _LISTS}), keyring)
        if answer.status == _NOT_FOUND:
            return None
        if answer.status != _OK:
            raise _refusal(repository, answer, "the list")
        return Tagged(answer.body, answer.media_type, _strong(answer.headers))

    async def push_blob(self, repository: Repository, digest: str, content: bytes, keyring: Keyring) -> None:
        """Puts a blob there, unless it is there already.

        Args:
            repository: The repository.
            digest: Of the content.
            content: The bytes.
            keyring: Who pushes.

        Raises:
            RegistryError: It could not be put there.
        """
        there = self._write(repository, "blob", f"blobs/{digest}", b"")
        there = replace(there, method="HEAD", cap=LIMITS.envelope_bytes)
        if (await self._written(repository, there, keyring)).status == _OK:
            return
        begin = replace(self._write(repository, "blob", "blobs/uploads/", b""), method="POST")
        begun = await self._written(repository, begin, keyring)
        if begun.status != _ACCEPTED:
            raise _refusal(repository, begun, "an upload")
        headers = {"Content-Type": "application/octet-stream"}
        url = _upload_url(begin.url, begun, digest)
        end = replace(begin, method="PUT", url=url, content=content, headers=headers)
        ended = await self._written(repository, end, keyring)
        if ended.status != _CREATED:
            raise _refusal(repository, ended, "a blob")

    async def push_manifest(
        self, repository: Repository, reference: str, document: Document, keyring: Keyring
    ) -> Answer:
        """Puts a manifest or an index there.

        Args:
            repository: The repository.
            reference: Its digest, or a tag, which is written once or not at all.
            document: The document.
            keyring: Who pushes.

        Returns:
            The answer, for its headers.

        Raises:
            ConflictError: Something else stands there, or what stands there may not be replaced.
            RegistryError: It could not be put there.
        """
        write = self._write(repository, "manifest", f"manifests/{reference}", document.raw)
        write = replace(write, headers={"Content-Type": document.media_type, **document.condition})
        answer = await self._written(repository, write, keyring, once=not is_digest(reference))
        if answer.status in _CONFLICTS:
            detail = f"{answer.request.who} does not let {reference} be replaced ({answer.status})"
            raise ConflictError(detail)
        if answer.status != _CREATED:
            raise _refusal(repository, answer, "a manifest")
        return answer

    def _write(self, repository: Repository, operation: str, path: str, content: bytes) -> Write:
        read: Request = self._request(repository, operation, path, _REPLY_BYTES)
        return Write(read.host, operation, read.url, _REPLY_BYTES, content=content)

    async def _written(self, repository: Repository, write: Write, keyring: Keyring, *, once: bool = False) -> Answer:
        try:
            return await (self._once if once else self._answer)(repository, write, keyring)
        except RegistryError as error:
            if error.outcome not in _REFUSALS:
                raise
            outcome, detail = error.outcome, error.detail
        if outcome is Outcome.FORBIDDEN:
            raise RegistryError(f"{write.who} does not let this account push to {repository.path} (403)", outcome)
        raise RegistryError(f"{detail}; log in with an account that may push to {repository.path}", outcome)

    async def _once(self, repository: Repository, write: Write, keyring: Keyring) -> Answer:
        try:
            async with asyncio.timeout(self._patience.whole):
                return await self._attempt(repository, write, keyring)
        except TimeoutError:
            detail = f"{write.who} took more than {self._patience.whole:g} s"
            raise RegistryError(detail, Outcome.TIMEOUT) from None


def _upload_url(own: URL, begun: Answer, digest: str) -> URL:
    """Gives where the content of an upload goes.

    Args:
        own: Where the upload was asked for.
        begun: The answer.
        digest: Of the content.

    Returns:
        A URL of the same origin, byte for byte as the registry has written it, and the digest.

    Raises:
        RegistryError: The registry names no place, or one elsewhere.
    """
    text = begun.headers.get("Location", "")
    error = RegistryError(f"{begun.request.who} sends the upload to another host, which does not get it")
    if not 0 < len(text) <= _LOCATION_CHARACTERS or not (text.isascii() and text.isprintable()) or " " in text:
        raise RegistryError(f"{begun.request.who} does not say where the upload goes")
    try:
        target = own.join(URL(text, encoded=True))
        if target.raw_host != own.raw_host or target.scheme not in ("http", "https"):
            raise error
        query = f"{target.raw_query_string}&" if target.raw_query_string else ""
        # Registries behind a proxy name its scheme or port wrongly; ours is the one that was asked.
        return URL(f"{own.origin()}{target.raw_path}?{query}digest={digest}", encoded=True)
    except ValueError:
        raise error from None


def _strong(headers: CIMultiDictProxy[str]) -> str | None:
    etag = headers.get("ETag", "")
    usable = etag.startswith('"') and etag.endswith('"') and etag.isascii() and etag.isprintable()
    return etag if usable and len(etag) > len('""') else None


def _refusal(repository: Repository, answer: Answer, what: str) -> RegistryError:
    who, clause = answer.request.who, _CLAUSES.get(answer.status)
    if clause is None:
        return status_error(who, answer.status, answer.headers.get("Retry-After"))
    return RegistryError(f"{who} was given {what} and {clause.format(repository.path)}")
