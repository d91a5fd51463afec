"""Images without Docker: buildah, with a store of its own that is kept between two runs.

Where images can be pulled, `E2E_BASE` names the base of the Dockerfile, as `BASE` does for `make image`. Otherwise
the base is this machine's own Debian, made by debootstrap from the mirror that apt uses.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tests.tools.build import cache_home
from tests.tools.progress import say

ROOT = Path(__file__).resolve().parents[2]
GATE = "localhost/execution-evidence-gate:e2e"
PAUSE = "localhost/pause:e2e"

_BASE_VARIABLE = "E2E_BASE"
_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_PACKAGES = "python3,python3-venv,ca-certificates"
_LEFT_OUT = (
    "var/lib/apt/lists",
    "var/cache/apt",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
)


class Builder:
    """Builds and pushes images."""

    def __init__(self) -> None:
        """Makes the folder of the store, below the cache of the test tools."""
        self._folder = cache_home(os.environ) / "e2e"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._global = ["--root", str(self._folder / "store"), "--runroot", str(self._folder / "run")]

    def build_all(self) -> None:
        """Builds the gate's image with `make image`, and the sandbox's; layers that are known are used again."""
        base = os.environ.get(_BASE_VARIABLE) or self._debian()
        flags = ["--runtime", str(shutil.which("runc")), "--network", "host", "--layers"]
        if base.startswith("localhost/"):
            flags += ["--pull-never"]
        if Path(_CA_BUNDLE).exists():
            # For pip, on a machine whose way out has an authority of its own; a mount leaves nothing in the image.
            flags += ["--volume", f"{_CA_BUNDLE}:{_CA_BUNDLE}:ro"]
        variables = {
            "CONTAINER_TOOL": " ".join(["buildah", *self._global]),
            "IMAGE_FLAGS": " ".join(flags),
            "BASE": base,
            "TAG": GATE,
        }
        _run(
            ["make", "--no-print-directory", "image", *(f"{name}={value}" for name, value in variables.items())], ROOT
        )
        self._pause()

    def push(self, image: str, target: str) -> str:
        """Pushes an image to a registry without TLS.

        Args:
            image: Its name here.
            target: Host, path and tag there.

        Returns:
            The digest of the manifest that the registry has now: `sha256:` and 64 hexadecimal digits.
        """
        digest = self._folder / "pushed.digest"
        self._buildah(
            "push", "--quiet", "--tls-verify=false", "--digestfile", str(digest), image, f"docker://{target}"
        )
        return digest.read_text().strip()

    def _debian(self) -> str:
        release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
        name = release.get("VERSION_CODENAME", "").strip('"')
        base = f"localhost/debian-python:{name}"
        if subprocess.run(["buildah", *self._global, "inspect", base], check=False, capture_output=True).returncode:
            say(f"making {base} by debootstrap; once only")
            context = self._folder / "base"
            shutil.rmtree(context, ignore_errors=True)
            context.mkdir()
            _root_filesystem(name, context)
            lines = ["FROM scratch", "ADD rootfs.tar /", "ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8"]
            (context / "Dockerfile").write_text("\n".join([*lines, 'CMD ["python3"]\n']))
            self._buildah("build", "--quiet", "--tag", base, str(context))
            shutil.rmtree(context)
        return base

    def _pause(self) -> None:
        context = self._folder / "pause"
        context.mkdir(exist_ok=True)
        environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        subprocess.run(
            ["go", "build", "-trimpath", "-buildvcs=false", "-o", context / "pause", "."],
            check=True,
            cwd=Path(__file__).parent / "pause",
            env=environment,
        )
        (context / "Dockerfile").write_text('FROM scratch\nCOPY pause /pause\nUSER 65535\nENTRYPOINT ["/pause"]\n')
        self._buildah("build", "--quiet", "--layers", "--tag", PAUSE, str(context))

    def _buildah(self, *arguments: str) -> str:
        return _run(["buildah", *self._global, *arguments], ROOT)


def _root_filesystem(release: str, context: Path) -> None:
    mirror = _run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {release}"], ROOT
    )
    folder = context / "rootfs"
    _run(
        ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", release, str(folder), mirror.splitlines()[0]],
        ROOT,
    )
    for place in _LEFT_OUT:
        shutil.rmtree(folder / place, ignore_errors=True)
    # It names the mirror of this machine, which is nobody's business.
    (folder / "etc/apt/sources.list").unlink(missing_ok=True)
    with tarfile.open(context / "rootfs.tar", "w") as archive:
        archive.add(folder, arcname=".")
    shutil.rmtree(folder)


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(["nice", *command], check=False, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout
