"""The real oras, which attaches files to images."""

from collections.abc import Sequence
from pathlib import Path

from tests.harness.command import run
from tests.tools.build import program

ENVELOPE = "application/vnd.dsse.envelope.v1+json"
"""What a DSSE envelope calls itself as a layer; cosign uses the same."""


OPEN = ("--plain-http",)
"""How a registry is reached that speaks plain HTTP with everybody."""


def attach(image: str, *envelopes: Path, media_type: str | None = ENVELOPE, reached: Sequence[str] = OPEN) -> str:
    """Runs `oras attach`.

    Args:
        image: The image, by digest.
        envelopes: Files of one folder, which become the layers of one manifest.
        media_type: What each layer is said to be; None for what oras says of any file.
        reached: Flags that say how the registry is reached.

    Returns:
        The digest of the manifest that was attached.
    """
    folder = envelopes[0].parent
    suffix = f":{media_type}" if media_type else ""
    files = [f"{envelope.name}{suffix}" for envelope in envelopes]
    kind = "--artifact-type=application/vnd.in-toto+json"
    output = ("--no-tty", "--format=go-template", "--template={{.digest}}")
    # HOME: no Docker login of the person who runs the tests.
    return run([program("oras"), "attach", *reached, *output, kind, image, *files], folder, {"HOME": str(folder)})
