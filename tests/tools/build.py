"""The programs of the test control plane, and Helm: found where the user has them, else built once from Go modules.

`python -m tests.tools.build` builds; the integration tests only look (`locate`), so that no test run ever hides a
build of several minutes.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tools.progress import run_showing_progress, say

HERE = Path(__file__).resolve().parent
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
ASSETS = ("kube-apiserver", "etcd", "kubectl")
"""What setup-envtest installs; it has no kube-controller-manager and no Helm."""
_HELM_MAJOR = 4

_VERSION_VARIABLES = "k8s.io/component-base/version"


class ToolsError(Exception):
    """The programs are not to be had; the text says what to do."""


@dataclass(frozen=True)
class Module:
    """A Go module below this folder whose `tool` directives name programs.

    Attributes:
        folder: The module's folder.
        programs: The files that a build of its tools gives.
    """

    folder: str
    programs: tuple[str, ...]

    def output(self, target: Path) -> str:
        """Gives `go build`'s `-o`: a single program is named, since Go would call etcd after its folder `server`."""
        return str(target / self.programs[0]) if len(self.programs) == 1 else f"{target}{os.sep}"

    def linker_flags(self, go_mod: str) -> str:
        """Strips debug information, and tells Kubernetes its version as its own build does."""
        flags = "-s -w"
        release = re.search(r"\bk8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", go_mod)
        if release:
            values = zip(("gitVersion", "gitMajor", "gitMinor"), release.groups(), strict=True)
            flags += "".join(f" -X {_VERSION_VARIABLES}.{name}={value}" for name, value in values)
        return flags


MODULES = (
    Module("kubernetes", ("kube-apiserver", "kube-controller-manager", "kubectl")),
    Module("etcd", ("etcd",)),
    Module("helm", ("helm",)),
)


def locate(environment: Mapping[str, str] = os.environ) -> Path:
    """Finds the programs without building anything.

    Args:
        environment: `KUBEBUILDER_ASSETS` is honoured first, then the cache below `XDG_CACHE_HOME` or `~/.cache`.

    Returns:
        A folder that holds at least kube-apiserver, etcd and kubectl.

    Raises:
        ToolsError: A program is missing, or nothing has been built yet.
    """
    assets = environment.get(ASSETS_VARIABLE)
    if assets:
        return _complete_assets(Path(assets))
    folder = cache_folder(environment, go_version())
    if not folder.is_dir():
        raise ToolsError(f"the control plane's programs have not been built into {folder}: run `make tools`")
    return folder


def locate_helm(environment: Mapping[str, str] = os.environ) -> Path:
    """Finds Helm without building anything.

    Args:
        environment: As for `locate`. With `KUBEBUILDER_ASSETS`, which has no Helm of its own, `PATH` is searched.

    Returns:
        The program.

    Raises:
        ToolsError: There is none, it is another major version, or nothing has been built yet.
    """
    if not environment.get(ASSETS_VARIABLE):
        return locate(environment) / "helm"
    program = shutil.which("helm", path=environment.get("PATH", ""))
    if program is None:
        raise ToolsError(f"{ASSETS_VARIABLE} is set, and there is no helm on PATH: install Helm {_HELM_MAJOR}")
    answer = subprocess.run(
        [program, "version", "--template", "{{.Version}}"], check=False, capture_output=True, text=True
    )
    if not answer.stdout.startswith(f"v{_HELM_MAJOR}."):
        raise ToolsError(f"{program} is {answer.stdout.strip() or 'of no known version'}: install Helm {_HELM_MAJOR}")
    return Path(program)


def build(environment: Mapping[str, str] = os.environ) -> Path:
    """Finds the programs, and builds them if they are not there.

    Args:
        environment: As for `locate`; Go gets all of it.

    Returns:
        As `locate`.

    Raises:
        ToolsError: `KUBEBUILDER_ASSETS` lacks a program, Go is missing or too old, or the build failed.
    """
    if environment.get(ASSETS_VARIABLE):
        return locate(environment)
    folder = cache_folder(environment, go_version())
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        # Looked at only under the lock: whoever held it has just built.
        if not folder.is_dir():
            _build_into(folder, environment)
    return folder


def cache_folder(environment: Mapping[str, str], version: str, modules: Path = HERE) -> Path:
    """Names the folder of one build.

    Args:
        environment: `XDG_CACHE_HOME` moves the cache.
        version: What `go_version` says.
        modules: The folder that holds the Go modules.

    Returns:
        A folder whose name changes with every go.mod, every go.sum and the Go version.
    """
    content = hashlib.sha256(version.encode())
    for module in MODULES:
        for name in ("go.mod", "go.sum"):
            content.update(hashlib.sha256((modules / module.folder / name).read_bytes()).digest())
    home = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "execution-evidence-gate" / "tools" / content.hexdigest()[:16]


def go_version(go: str = "go") -> str:
    """Asks Go for its version, and refuses one that is older than the modules ask for.

    Args:
        go: The program.

    Returns:
        For example `go1.26.8`.

    Raises:
        ToolsError: Go is missing or too old.
    """
    needed = max(_go_directive(HERE / module.folder / "go.mod") for module in MODULES)
    wanted = f"Go {needed[0]}.{needed[1]} or newer is needed (https://go.dev/dl/), or {ASSETS_VARIABLE}"
    program = shutil.which(go)
    if program is None:
        raise ToolsError(f"Go is not installed. {wanted}")
    answer = subprocess.run(
        [program, "env", "GOVERSION"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"GOTOOLCHAIN": "local"},
    )
    found = re.match(r"(?:devel )?go(\d+)\.(\d+)", answer.stdout)
    if not found or (int(found[1]), int(found[2])) < needed:
        raise ToolsError(f"{program} is {answer.stdout.strip() or 'of no known version'}. {wanted}")
    return answer.stdout.strip()


def _go_directive(go_mod: Path) -> tuple[int, int]:
    found = re.search(r"^go (\d+)\.(\d+)", go_mod.read_text(), re.MULTILINE)
    if not found:
        raise ToolsError(f"{go_mod} has no go directive")
    return int(found[1]), int(found[2])


def _complete_assets(folder: Path) -> Path:
    missing = [name for name in ASSETS if not os.access(folder / name, os.X_OK)]
    if missing:
        raise ToolsError(f"{ASSETS_VARIABLE} is {folder}, which holds no {' and no '.join(missing)}")
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock file, so that two runs do not build at once; the kernel frees it when its holder dies."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run builds the control plane: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build_into(folder: Path, environment: Mapping[str, str]) -> None:
    say(f"building the test control plane and Helm into {folder}")
    say("once only; about 13 minutes on two cores when Go's own cache is empty")
    variables = dict(environment) | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as scratch:
        target = Path(scratch) / "programs"
        for module in MODULES:
            _build_module(module, target, variables)
        target.rename(folder)
    say(f"built {folder}")


def _build_module(module: Module, target: Path, environment: Mapping[str, str]) -> None:
    home = HERE / module.folder
    flags = module.linker_flags((home / "go.mod").read_text())
    listing = ["go", "list", "-mod=readonly", "-deps", "tool"]
    building = ["go", "build", "-v", "-mod=readonly", "-trimpath", "-ldflags", flags]
    try:
        # The listing fetches the modules and counts what is to be compiled.
        packages = run_showing_progress(listing, home, environment, "fetching modules of")
        label = f"of at most {len(packages)} packages compiled for"
        run_showing_progress([*building, "-o", module.output(target), "tool"], home, environment, label)
    except subprocess.CalledProcessError as error:
        raise ToolsError(f"`go {error.cmd[1]}` failed in {home}:\n{error.stderr}") from None
    absent = [name for name in module.programs if not (target / name).is_file()]
    if absent:
        raise ToolsError(f"the build in {home} gave no {' and no '.join(absent)}")


def main() -> int:
    """Builds, and prints the folder.

    Returns:
        The exit code: 0, or 1 when the programs are not to be had.
    """
    try:
        folder = build()
    except ToolsError as error:
        say(f"error: {error}")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
