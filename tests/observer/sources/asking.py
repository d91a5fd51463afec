"""Questions to a profile server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.attest.made import message
from tests.harness.profile_servers import ProfileServer, RealParca, RealPyroscope
from tests.simulators.profile_server import ProfileServerSimulator
from tests.simulators.profile_server_answers import frame, trailers
from webhook.attest.profile import Profile
from webhook.errors import UnavailableError
from webhook.observer.sources.opening import open_source
from webhook.observer.sources.protocol import ContainerRun, ProfileSource
from webhook.observer.sources.settings import SourceSettings

CART = ContainerRun("shop", "cart-0", "cart")
LABELS = {"namespace": "shop", "pod": "cart-0", "container": "cart"}
COUNTED = {server.kind: server.counted for server in (RealPyroscope, RealParca)}
"""What both servers call the CPU time that Go's `runtime/pprof` writes down."""
KINDS = pytest.mark.parametrize("kind", COUNTED)
SECONDS = 5.0
RECORDED_AT = datetime(2026, 11, 28, 20, 14, 30, 989421, UTC)
"""When the recorded profile was begun, to the microsecond before."""


def section(server: ProfileServer | ProfileServerSimulator, kind: str, **changes: Any) -> SourceSettings:
    """The section for a server."""
    usual: dict[str, Any] = {"kind": kind, "url": server.url, "profileType": COUNTED[kind]}
    if isinstance(server, ProfileServerSimulator) and server.url.startswith("https:"):
        usual |= {"caFile": server.ca_file, "timeoutSeconds": SECONDS}
    else:
        usual |= {"insecure": True, "timeoutSeconds": 30}
    return SourceSettings.model_validate(usual | changes)


def source(server: ProfileServer | ProfileServerSimulator, kind: str, **changes: Any) -> ProfileSource:
    """The source for a server; relative files lie beside a simulator's certificate."""
    folder = server.ca_file.parent if isinstance(server, ProfileServerSimulator) else Path("/")
    return open_source(section(server, kind, **changes), folder)


async def ask(
    server: ProfileServer | ProfileServerSimulator,
    kind: str,
    run: ContainerRun = CART,
    end: datetime | None = None,
    **changes: Any,
) -> Profile | None:
    """Asks for the hour before a moment, by default now."""
    end = end or datetime.now(UTC)
    return await source(server, kind, **changes).profile(run, end - timedelta(hours=1), end)


async def refused(server: ProfileServerSimulator, kind: str, **changes: Any) -> str:
    """What is said of a server, after its name, where it gives no usable answer."""
    with pytest.raises(UnavailableError) as caught:
        await ask(server, kind, **changes)
    host = server.url.partition("//")[2]
    assert caught.value.__cause__ is None
    assert f"profile server {host}" in caught.value.detail
    return caught.value.detail.removeprefix(f"profile server {host} ")


def report(content: bytes) -> bytes:
    """Writes Parca's answer with a pprof report."""
    return frame(message(6, content)) + trailers(0)
