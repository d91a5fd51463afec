"""What a signer may speak for."""

from webhook.model.pattern import RepositoryPattern


class Bounded:
    """Whoever's word is bound to environments and repositories.

    Attributes:
        environments: Names of evidence environments, case-folded; None means any.
        repositories: Patterns of image repositories; None means any.
    """

    __slots__ = ()

    environments: frozenset[str] | None
    repositories: tuple[RepositoryPattern, ...] | None

    def may_speak_for(self, environment: str, repository: str | None) -> bool:
        """Tells whether the signer's word counts for an environment and an image.

        Args:
            environment: The environment that the statement names.
            repository: The image's host and path; None if nobody knows it, which no bound signer accepts.

        Returns:
            True if both bounds hold.
        """
        if self.environments is not None and environment.casefold() not in self.environments:
            return False
        if self.repositories is None:
            return True
        return repository is not None and any(pattern.matches(repository) for pattern in self.repositories)

    @property
    def bounds(self) -> dict[str, object]:
        """Both bounds, as canonical JSON takes them."""
        environments, repositories = self.environments, self.repositories
        return {
            "environments": None if environments is None else sorted(environments),
            "repositories": None if repositories is None else [pattern.text for pattern in repositories],
        }
