"""What the observer asks of a profile server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from webhook.attest.profile import Profile


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """A container of a pod, whose profiles are asked for.

    Attributes:
        namespace: The pod's namespace.
        pod: The pod's name.
        container: The container's name.
    """

    namespace: str
    pod: str
    container: str


class ProfileSource(Protocol):
    """A profile server."""

    @property
    def kind(self) -> str:
        """What it is: `pyroscope` or `parca`."""

    @property
    def tells_containers(self) -> bool:
        """Whether containers of a pod are told apart; else a profile is of all of them."""

    async def profile(self, run: ContainerRun, start: datetime, end: datetime) -> Profile | None:
        """Asks for all profiles of a container, added up.

        Args:
            run: The container.
            start: The earliest beginning of a profile that counts, with a zone.
            end: The latest one.

        Returns:
            The sum; None if the server has none.

        Raises:
            UnavailableError: The server could not be asked, or its answer cannot be used.
        """
