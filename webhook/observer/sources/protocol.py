"""What the observer asks of a profile server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from webhook.attest.profile import Profile
from webhook.errors import UnavailableError


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


class ProfileUnusableError(UnavailableError):
    """The server answers, and what it has of one container cannot be used.

    That says nothing about the server: whoever may push profiles decides what they are like.
    """


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
            ProfileUnusableError: What the server has of this container cannot be used.
            UnavailableError: The server could not be asked, or does not answer as one.
        """
