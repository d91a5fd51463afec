"""A list of referrers, put together from its pages (distribution specification 1.1, "Listing Referrers")."""

import asyncio
from dataclasses import replace

from yarl import URL

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.stores.registry.descriptor import Descriptor, parse_index
from webhook.stores.registry.transport.failure import RegistryError, status_error
from webhook.stores.registry.transport.headers import next_link
from webhook.stores.registry.transport.messages import Answer, Request

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_INDEX_TYPES = (INDEX_TYPE, "application/json")
"""The second is against the specification, and there are registries that send it."""
_OK = 200
_NO_SUCH_API = frozenset({400, 404, 405, 406})
"""404 by the specification; the others by registries that had never heard of it."""
_THREAD_BYTES = 64 * 1024
"""What is longer is parsed in a thread: 4 MiB take a sixth of a second."""


class Listing:
    """One list.

    Attributes:
        found: The descriptors so far.
        request: What to ask next, or None at the end.
    """

    def __init__(self, first: Request) -> None:
        """Begins with nothing.

        Args:
            first: Asks for the first page; its cap is one for all pages.
        """
        self.found: list[Descriptor] = []
        self.request: Request | None = first
        self._first = first
        self._pages = 0
        self._unreadable = 0

    def is_unknown_to(self, answer: Answer) -> bool:
        """Tells whether a registry has no such API at all.

        Args:
            answer: To the first request.

        Returns:
            True if it refuses the path, or gives the page of a web server.
        """
        if self._pages > 0:
            return False
        return answer.status in _NO_SUCH_API or (answer.status == _OK and answer.media_type not in _INDEX_TYPES)

    async def add(self, answer: Answer) -> None:
        """Adds a page.

        Args:
            answer: To `request`.

        Raises:
            RegistryError: It cannot be read, or leads nowhere.
        """
        who = self._first.who
        if answer.status != _OK:
            raise status_error(answer.request.who, answer.status, answer.headers.get("Retry-After"))
        try:
            long = len(answer.body) > _THREAD_BYTES
            index = await asyncio.to_thread(parse_index, answer.body) if long else parse_index(answer.body)
        except MalformedError:
            # What is no list at all is the registry's doing; a list that is spoilt may be that of who pushed into it.
            spoilt = b'"manifests"' in answer.body
            raise RegistryError(f"{who} gave a list of referrers that is malformed", content=spoilt) from None
        self.found += index.descriptors
        self._unreadable += index.unreadable
        self._pages += 1
        url = _next_page(self._first, answer)
        if url is not None and self._pages == LIMITS.referrer_pages:
            raise RegistryError(f"{who} lists referrers on more than {LIMITS.referrer_pages} pages", content=True)
        left = answer.request.cap - len(answer.body)
        self.request = None if url is None else replace(self._first, url=url, cap=left)

    def whole(self) -> tuple[Descriptor, ...]:
        """Gives the list at its end.

        Returns:
            All descriptors.

        Raises:
            RegistryError: Some could not be read.
        """
        if self._unreadable:
            detail = f"{self._first.who} lists {self._unreadable} referrers that cannot be read"
            raise RegistryError(detail, content=True)
        return tuple(self.found)


def _next_page(first: Request, answer: Answer) -> URL | None:
    """Finds the next page; only the same host may have it, since the credential goes along."""
    try:
        target = next_link(answer.headers.getall("Link", []))
        url = None if target is None else answer.request.url.join(URL(target))
    except ValueError:
        raise RegistryError(f"{first.who} gave a list of referrers whose next page cannot be found") from None
    if url is not None and url.origin() != first.url.origin():
        raise RegistryError(f"{first.who} gave a list of referrers that goes on at another host")
    return url
