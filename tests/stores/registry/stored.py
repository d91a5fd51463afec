"""A registry store, simulated registries, and a clock that a test moves."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.attached import TYPES
from tests.stores.registry.simulated import ACCOUNT, NOBODY, PATH, QUICK, Keys, plain
from tests.support.statements import IMAGE
from webhook.errors import UnavailableError
from webhook.model.evidence import PullIdentity
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.protocol import Found, ImageSubject
from webhook.stores.registry.auth.credentials import Keyring
from webhook.stores.registry.client.client import RegistryClient
from webhook.stores.registry.store import LookUp, RegistryStore

POD = PullIdentity("shop", "default", ("pull",))
LOCKED = PullIdentity("locked", "default", ())


def raws(found: Found) -> set[bytes]:
    """The bytes of the candidates."""
    return {candidate.raw for candidate in found.candidates}


class Keyrings:
    """Gives `POD` an account, others nothing, and cannot tell what `LOCKED` has."""

    async def keyring(self, pull: PullIdentity | None) -> Keyring:
        """Gives the keyring of an identity."""
        if pull == LOCKED:
            raise UnavailableError("the pull secrets cannot be read")
        return Keys(ACCOUNT) if pull == POD else NOBODY


class Stored:
    """The store; an asynchronous context manager.

    Attributes:
        store: The store itself.
        now: Its clock; it moves when it is set.
        looked_up: What it has told of.
    """

    def __init__(self, *registries: RegistrySimulator, **section: Any) -> None:
        document = {
            "allow": [f"{registry.host}/*" for registry in registries],
            "hosts": {registry.host: plain() for registry in registries},
        }
        settings = RegistryStoreSettings.model_validate(document | section)
        client = RegistryClient(settings, Path(), lambda _: None, QUICK)
        self.looked_up: list[LookUp] = []
        self.now = 1000.0
        self.store = RegistryStore(settings, client, Keyrings(), TYPES, self.looked_up.append)
        clock: Callable[[], float] = lambda: self.now  # noqa: E731 - read anew at each call
        self.store._answers._clock = self.store._tags._clock = clock
        self._home = registries[0].host if registries else ""

    async def __aenter__(self) -> Self:
        """Starts it."""
        await self.store.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        await self.store.stop()

    async def find(
        self, image: str = IMAGE, repository: str | None = "", pull: PullIdentity | None = None, **more: float
    ) -> Found:
        """Asks about an image, in the first registry unless another repository is named."""
        name = f"{self._home}/{PATH}" if repository == "" else repository
        return await self.store.find(ImageSubject(image, name, pull), **more)
