"""Requests to a registry that change something. The gate itself has no such thing, and cannot import it."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from yarl import URL

from webhook.stores.registry.transport.failure import RegistryError
from webhook.stores.registry.transport.messages import Answer, Request
from webhook.stores.registry.transport.transport import Transport

_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Write(Request):
    """A request that may change something.

    Attributes:
        method: `HEAD`, `POST` or `PUT`.
        content: What is sent.
    """

    method: str = "PUT"
    content: bytes = b""


class WritingTransport(Transport):
    """As the gate's transport, with its guards; what is written goes to the registry that was named or nowhere."""

    async def ask(self, request: Request) -> Answer:
        """Makes a request. Redirects are followed where something is read, and never with what is to be written.

        Args:
            request: What to ask.

        Returns:
            The answer, which is no redirect.

        Raises:
            RegistryError: There is none, or it may not be used.
        """
        if not isinstance(request, Write):
            return await super().ask(request)
        answer = await self.exchange(request)
        # Where the content of a blob lies is none of our business; that it lies somewhere else is no answer.
        if answer.status in _REDIRECTS and request.method != "HEAD":
            detail = f"{request.who} sends what is pushed to another place ({answer.status}), which does not get it"
            raise RegistryError(detail)
        return answer

    def _line(self, request: Request) -> tuple[str, URL]:
        return (request.method, request.url) if isinstance(request, Write) else super()._line(request)

    def _content(self, request: Request) -> Mapping[str, str] | BytesIO | None:
        return BytesIO(request.content) if isinstance(request, Write) else super()._content(request)
