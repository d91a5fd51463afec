"""Names in registries: repositories, and the two tags under which attestations of a digest are found.

How a reference in a pod is read is said in `model.image`; a repository comes here in its full form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webhook.errors import ImageReferenceError
from webhook.model.image import ImageReference

_DOCKER_HUB = "docker.io"
_DOCKER_HUB_API = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in a registry.

    Attributes:
        host: As it stands in image references, with port if there is one (`docker.io` for Docker Hub).
        path: Below the host (`library/redis`).
    """

    host: str
    path: str

    @property
    def name(self) -> str:
        """Host and path, as `ImageReference.repository` gives them."""
        return f"{self.host}/{self.path}"

    @property
    def api_host(self) -> str:
        """The host that answers, with port: Docker Hub's is another than the one in its references."""
        return _DOCKER_HUB_API if self.host == _DOCKER_HUB else self.host

    @classmethod
    def parse(cls, text: str) -> "Repository":
        """Reads a repository in its full form.

        Args:
            text: `HOST/PATH` without tag and digest, as `ImageReference.repository` gives it.

        Returns:
            The repository.

        Raises:
            ImageReferenceError: It is none, or not in its full form. So a text that a runtime would read as
                another repository (`redis`, `index.docker.io/redis`) is never asked for by its first reading.
        """
        reference = ImageReference.parse(text)
        if reference.repository != text:
            raise ImageReferenceError("it is not a repository's full name")
        return cls(reference.host, reference.path)


def attestation_tag(digest: str) -> str:
    """Gives the tag under which cosign keeps a digest's attestations (cosign's ATTESTATION_SPEC.md).

    Args:
        digest: `sha256:` and 64 hexadecimal digits.

    Returns:
        `sha256-<hex>.att`.
    """
    return f"{fallback_tag(digest)}.att"


def fallback_tag(digest: str) -> str:
    """Gives the tag of a digest's list of referrers (distribution-spec 1.1, "Referrers Tag Schema").

    Args:
        digest: `sha256:` and 64 hexadecimal digits.

    Returns:
        `sha256-<hex>`.
    """
    return digest.replace(":", "-", 1)


def mirrors_of(repository: Repository, mirrors: Mapping[str, Sequence[str]]) -> list[Repository]:
    """Finds where else a repository's evidence may lie.

    Args:
        repository: The repository.
        mirrors: Prefixes of repositories, in whole segments, and the prefixes that stand for each.

    Returns:
        The repository under each prefix that stands for the longest one that matches; a name that no repository
        can have (it is too long) is left out.
    """
    prefixes = [prefix for prefix in mirrors if f"{repository.name}/".startswith(f"{prefix}/")]
    if not prefixes:
        return []
    longest = max(prefixes, key=len)
    rest = repository.name[len(longest) :]
    found: list[Repository] = []
    for prefix in mirrors[longest]:
        try:
            mirror = Repository.parse(prefix + rest)
        except ImageReferenceError:
            continue
        if mirror != repository and mirror not in found:
            found.append(mirror)
    return found
