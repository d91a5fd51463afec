"""The programs of the tests: found where the user has them, else built once from Go modules.

`python -m tests.tools.build [--node]` builds; the tests only look (`program`), so that no test run ever hides a
build of several minutes. Each module is built and kept by itself: one more module costs nobody the others.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tests.tools.modules import ALWAYS_BUILT, MODULES, TEST_MODULES, Module
from tests.tools.progress import run_showing_progress, say

HERE = Path(__file__).resolve().parent
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
ASSETS = ("kube-apiserver", "etcd", "kubectl")
"""What setup-envtest installs; whoever has it needs the other programs on `PATH`."""
_HELM_MAJOR = 4


class ToolsError(Exception):
    """The programs are not to be had; the text says what to do."""


def program(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Finds a program, or a file that is kept beside it, without building anything.

    Args:
        name: Its file name, for example `kube-apiserver`.
        environment: `KUBEBUILDER_ASSETS` is honoured first, with `PATH` for what is not in it; without it, and for
            `ALWAYS_BUILT`, the cache below `XDG_CACHE_HOME` or `~/.cache`.

    Returns:
        The program.

    Raises:
        ToolsError: There is none, Helm is another major version, or nothing has been built yet.
    """
    module = next(module for module in MODULES if name in module.names)
    if not _is_built(module, environment):
        return _of_the_user(name, environment)
    folder = cache_folder(module, environment, go_version())
    if not folder.is_dir():
        how = "make tools" if module in TEST_MODULES else "make e2e"
        raise ToolsError(f"{name} has not been built into {folder}: run `{how}`")
    return folder / name


def build(modules: Sequence[Module] = TEST_MODULES, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Finds programs, and builds those that are not there.

    Args:
        modules: What is wanted.
        environment: As for `program`; Go gets all of it.

    Returns:
        The programs.

    Raises:
        ToolsError: The user's own programs lack one, Go is missing or too old, or a build failed.
    """
    wanted = [module for module in modules if _is_built(module, environment)]
    if wanted:
        version = go_version()
        for module in wanted:
            _build_once(module, cache_folder(module, environment, version), environment)
    return [program(name, environment) for module in modules for name in module.programs]


def cache_folder(module: Module, environment: Mapping[str, str], version: str, modules: Path = HERE) -> Path:
    """Names the folder of one module's build.

    Args:
        module: The module.
        environment: `XDG_CACHE_HOME` moves the cache.
        version: What `go_version` says.
        modules: The folder that holds the Go modules.

    Returns:
        A folder whose name changes with the module's go.mod, its go.sum, its own source, the files that are kept
        and the Go version.
    """
    content = hashlib.sha256(version.encode())
    home = modules / module.folder
    for path in (home / "go.mod", home / "go.sum", *sorted(home.glob("*.go"))):
        content.update(hashlib.sha256(path.read_bytes()).digest())
    content.update("".join(module.files).encode())
    return cache_home(environment) / "tools" / f"{module.folder}-{content.hexdigest()[:16]}"


def cache_home(environment: Mapping[str, str]) -> Path:
    """Names the folder of everything that tests and bench keep between two runs.

    Args:
        environment: `XDG_CACHE_HOME` moves it.

    Returns:
        The folder, which may not be there yet.
    """
    return Path(environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")) / "execution-evidence-gate"


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


def _is_built(module: Module, environment: Mapping[str, str]) -> bool:
    return module in ALWAYS_BUILT or not environment.get(ASSETS_VARIABLE)


def _go_directive(go_mod: Path) -> tuple[int, int]:
    found = re.search(r"^go (\d+)\.(\d+)", go_mod.read_text(), re.MULTILINE)
    if not found:
        raise ToolsError(f"{go_mod} has no go directive")
    return int(found[1]), int(found[2])


def _of_the_user(name: str, environment: Mapping[str, str]) -> Path:
    folder = Path(environment[ASSETS_VARIABLE])
    if name in ASSETS and not os.access(folder / name, os.X_OK):
        raise ToolsError(f"{ASSETS_VARIABLE} is {folder}, which holds no {name}")
    found = shutil.which(name, path=f"{folder}{os.pathsep}{environment.get('PATH', '')}")
    if found is None:
        raise ToolsError(f"{ASSETS_VARIABLE} is set, and there is no {name} on PATH: install {name}")
    if name == "helm":
        _check_helm(found)
    return Path(found)


def _check_helm(found: str) -> None:
    answer = subprocess.run(
        [found, "version", "--template", "{{.Version}}"], check=False, capture_output=True, text=True
    )
    if not answer.stdout.startswith(f"v{_HELM_MAJOR}."):
        raise ToolsError(f"{found} is {answer.stdout.strip() or 'of no known version'}: install Helm {_HELM_MAJOR}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock file, so that two runs do not build at once; the kernel frees it when its holder dies."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run builds this program: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build_once(module: Module, folder: Path, environment: Mapping[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        # Looked at only under the lock: whoever held it has just built.
        if folder.is_dir():
            return
        say(f"building {', '.join(module.names)} into {folder}; once only")
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as scratch:
            target = Path(scratch) / "programs"
            _build_module(module, target, dict(environment) | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"})
            target.rename(folder)


def _build_module(module: Module, target: Path, environment: Mapping[str, str]) -> None:
    home = HERE / module.folder
    flags = module.linker_flags((home / "go.mod").read_text())
    listing = ["go", "list", "-mod=readonly", "-deps", "tool"]
    building = ["go", "build", "-v", "-mod=readonly", "-trimpath", "-ldflags", flags]
    try:
        if module.programs:
            # The listing fetches the modules and counts what is to be compiled.
            packages = run_showing_progress(listing, home, environment, "fetching modules of")
            label = f"of at most {len(packages)} packages compiled for"
            run_showing_progress([*building, "-o", module.output(target), "tool"], home, environment, label)
        else:
            target.mkdir()
            run_showing_progress(["go", "mod", "download", module.source], home, environment, "fetching")
        if module.files:
            _keep_files(module, home, target, environment)
    except subprocess.CalledProcessError as error:
        raise ToolsError(f"`go {error.cmd[1]}` failed in {home}:\n{error.stderr}") from None
    absent = [name for name in module.programs if not (target / name).is_file()]
    if absent:
        raise ToolsError(f"the build in {home} gave no {' and no '.join(absent)}")


def _keep_files(module: Module, home: Path, target: Path, environment: Mapping[str, str]) -> None:
    listing = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module.source]
    folder = Path(run_showing_progress(listing, home, environment, "looking for files of")[0])
    for path in module.files:
        # By content: the module cache is read-only, and what is copied from it must not be.
        (target / PurePosixPath(path).name).write_bytes((folder / path).read_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds, and prints the programs.

    Args:
        arguments: Instead of the process's.

    Returns:
        The exit code: 0, or 1 when the programs are not to be had.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.tools.build", description=__doc__)
    parser.add_argument("--node", action="store_true", help="also what `make e2e` runs a node with")
    try:
        programs = build(MODULES if parser.parse_args(arguments).node else TEST_MODULES)
    except ToolsError as error:
        say(f"error: {error}")
        return 1
    sys.stdout.writelines(f"{found}\n" for found in programs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
