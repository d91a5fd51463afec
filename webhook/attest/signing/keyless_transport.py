"""Requests to the services of a Sigstore, within bounds that its own client does not set.

sigstore-python waits for Fulcio and Rekor without an end, follows redirects, and reads answers of any size. This is
as heavy as that library, and of the same extra: imported when somebody signs keyless.
"""

import io
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from webhook.attest.signing.keyless_deadline import Watch
from webhook.errors import UnavailableError

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
"""Rekor answers when the entry is in its log, which may take 20 seconds."""
_REPLY_BYTES = 1024 * 1024
"""One answer; a chain of certificates and a proof of inclusion take a hundredth."""
_SUCCESSES = range(200, 300)


class BoundedAdapter(HTTPAdapter):
    """Sends the requests of one service, and gives whole answers of success only."""

    def __init__(
        self, service: str, watch: Watch, advice: str = "", check: Callable[[bytes], object] | None = None
    ) -> None:
        """Prepares for one signature.

        Args:
            service: Whom it asks, as the beginning of a sentence.
            watch: Learns that this service is being asked.
            advice: What to look at when it refuses, as the end of a sentence.
            check: Raises whatever it likes for an answer that is of no use.
        """
        self._tls = ssl.create_default_context()
        super().__init__()
        self._service = service
        self._watch = watch
        self._advice = advice
        self._check = check

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002 - the signature is that of requests
        """Trusts the system's authorities, or those of `SSL_CERT_FILE`, beside requests' own: as all else here does.

        Args:
            connections: As requests has it.
            maxsize: As requests has it.
            block: As requests has it.
            options: As requests has it.
        """
        super().init_poolmanager(connections, maxsize, block, **options, ssl_context=self._tls)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Trusts the same behind a proxy.

        Args:
            proxy: As requests has it.
            options: As requests has it.

        Returns:
            As requests has it.
        """
        return super().proxy_manager_for(proxy, **options, ssl_context=self._tls)

    def send(  # noqa: PLR0913, PLR0917 - the signature is that of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - as above
        timeout: object = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002 - as above
        cert: object = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Sends a request, as requests asks for it.

        Args:
            request: The request.
            stream: Without effect; the whole answer is read.
            timeout: Without effect; ours holds.
            verify: As requests has it.
            cert: As requests has it.
            proxies: As requests has it.

        Returns:
            An answer of success, read already.

        Raises:
            UnavailableError: There is none; the detail names the service and its host.
        """
        del stream, timeout
        self._watch.asked = self._service
        place = f"{self._service} at {urlsplit(request.url or '').hostname}"
        try:
            response = super().send(request, True, (_CONNECT_SECONDS, _READ_SECONDS), verify, cert, proxies)  # type: ignore[arg-type]  # noqa: FBT003 - as above
            with response:
                body = response.raw.read(_REPLY_BYTES + 1, decode_content=True)
        except requests.exceptions.SSLError:
            raise UnavailableError(f"{place} has no certificate that is trusted here") from None
        except (requests.RequestException, HTTPError, OSError):
            raise UnavailableError(f"{place} cannot be reached, or breaks off") from None
        if response.status_code not in _SUCCESSES:
            raise UnavailableError(f"{place} answered with HTTP {response.status_code}{self._advice}")
        if len(body) > _REPLY_BYTES:
            raise UnavailableError(f"{place} answered with more than {_REPLY_BYTES} bytes")
        if self._check is not None:
            self._check(body)
        response.raw = io.BytesIO(body)
        return response
