"""What an answer was made of: which envelopes a provider looked at, by the digests of their bytes.

With these envelopes anybody can come to the answer again; without them the record still names them.
"""

from dataclasses import dataclass
from typing import NamedTuple

from webhook.model.canonical import canonical_text


@dataclass(frozen=True, slots=True)
class Platform:
    """A manifest that an image index lists.

    Attributes:
        name: As the index names it, for example `linux/arm64`.
        digest: `sha256:` and 64 hexadecimal digits, read from the index's own bytes.
    """

    name: str
    digest: str


class Origin(NamedTuple):
    """One envelope that was looked at.

    Attributes:
        digest: `sha256:` and 64 hexadecimal digits over its bytes.
        uri: Where it lay.
        platform: The platform's manifest on which it was found; None if it was found on the image itself.
    """

    digest: str
    uri: str
    platform: Platform | None = None


class EvidenceBasis(NamedTuple):
    """What an answer was made of.

    Attributes:
        origins: The envelopes, in the stores' order.
        platforms: Platforms that must all have evidence; empty if one of any platform is enough.
        remark: Why there is no envelope, where the stores had more to say than that.
        gap: What could not be read, where the answer is that nobody knows; None for every other answer.
    """

    origins: tuple[Origin, ...]
    platforms: tuple[Platform, ...] = ()
    remark: str | None = None
    gap: str | None = None

    @property
    def canonical(self) -> bytes:
        """The basis as canonical JSON, for records."""
        candidates = ",".join(
            [
                f'{{"digest":"{origin.digest}","platform":{_platform(origin.platform)},'
                f'"uri":{canonical_text(origin.uri)}}}'
                for origin in self.origins
            ]
        )
        platforms = ",".join(map(_platform, self.platforms))
        return (
            f'{{"candidates":[{candidates}],"gap":{_text(self.gap)},"platforms":[{platforms}],'
            f'"remark":{_text(self.remark)}}}'
        ).encode()


def _platform(platform: Platform | None) -> str:
    if platform is None:
        return "null"
    return f'{{"digest":{canonical_text(platform.digest)},"name":{canonical_text(platform.name)}}}'


def _text(text: str | None) -> str:
    return "null" if text is None else canonical_text(text)
