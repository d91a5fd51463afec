"""Who may be asked about an image, and who is.

A repository that is not allowed is not asked, and its image has no evidence in registries. That is no failure, since
whoever writes a pod chooses the repository, and must not be able to choose "unavailable" where "missing" is denied.
"""

from dataclasses import dataclass

from webhook.errors import ImageReferenceError
from webhook.model.pattern import RepositoryPattern
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.reference import Repository, mirrors_of


@dataclass(frozen=True, slots=True)
class Route:
    """Who may be asked about a repository's images.

    Attributes:
        own: The repository, or None if it is not known.
        image: The same, or None if it may not be asked.
        asked: Where attestations may lie; all of them are asked.
    """

    own: Repository | None
    image: Repository | None
    asked: tuple[Repository, ...]


class Routes:
    """Finds routes by the configuration."""

    def __init__(self, section: RegistryStoreSettings) -> None:
        """Reads the configuration.

        Args:
            section: The section `stores.registry`.
        """
        self._allow = tuple(RepositoryPattern.parse(text) for text in section.allow)
        evidence = section.evidence_repository
        self._evidence = None if evidence is None else Repository.parse(evidence)
        self._mirrors = section.mirrors

    def find(self, name: str | None) -> Route:
        """Finds a route; what the configuration names is allowed by being named.

        Args:
            name: The image's repository, host and path, or None if it is not known.

        Returns:
            The route.
        """
        own = _parse(name)
        allowed = own is not None and any(pattern.matches(own.name) for pattern in self._allow)
        first = self._evidence or own
        if first is None:
            return Route(own, None, ())
        asked = [first] if self._evidence is not None or allowed else []
        return Route(own, own if allowed else None, (*asked, *mirrors_of(first, self._mirrors)))


def _parse(name: str | None) -> Repository | None:
    try:
        return None if name is None else Repository.parse(name)
    except ImageReferenceError:
        return None
