"""What the Dockerfile promises, read from its text. Whether it builds and runs is for a container engine to show."""

import json
import re
import tomllib
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.console import ROOT
from tests.image.instructions import Instruction, in_context, instructions

ALL = instructions()
LAST = max(instruction.stage for instruction in ALL)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMMANDS = [
    command.strip()
    for instruction in ALL
    if instruction.name == "RUN"
    for command in re.split(r" (?:&&|;) ", instruction.value)
]
INSTALLATIONS = [command for command in COMMANDS if re.search(r"\bpip\b.*\binstall\b", command)]


def named(name: str, stage: int | None = None) -> list[str]:
    return [found.value for found in ALL if found.name == name and (stage is None or found.stage == stage)]


def test_the_base_is_an_argument_and_a_slim_python_by_default() -> None:
    assert ALL[0] == Instruction(0, "ARG", "BASE=docker.io/library/python:3.13-slim")
    assert {value.split(" AS ")[0] for value in named("FROM")} == {"${BASE}"}


def test_the_last_stage_takes_nothing_but_the_programs_environment() -> None:
    assert LAST == 2
    assert named("COPY", LAST) == ["--from=build /opt/evidence-gate /opt/evidence-gate"]


def test_nothing_is_fetched_but_by_pip() -> None:
    assert named("ADD") == []
    assert not [command for command in COMMANDS if re.search(r"\b(curl|wget|git|apt-get|apk)\b|https?://", command)]


@pytest.mark.parametrize("command", INSTALLATIONS)
def test_what_is_installed_is_locked_by_hashes_or_made_here(command: str) -> None:
    fetched = "--require-hashes" in command and "--only-binary :all:" in command
    assert fetched or ("--no-index" in command and "--no-deps" in command)


def test_the_program_gets_the_runtime_lock_alone() -> None:
    own = [command for command in INSTALLATIONS if "--python /opt/evidence-gate/bin/python" in command]
    assert [re.findall(r"--requirement (\S+)|(/dist/\S+)", command) for command in own] == [
        [("requirements/runtime.txt", "")],
        [("", "/dist/*.whl")],
    ]


def test_byte_code_never_depends_on_the_times_of_files() -> None:
    own = [command for command in INSTALLATIONS if "--python /opt/evidence-gate/bin/python" in command]
    assert all("--no-compile" in command for command in own)
    compilations = [command for command in COMMANDS if "compileall" in command]
    assert len(compilations) == 2
    assert all("--invalidation-mode unchecked-hash" in command for command in compilations)
    # Without a fixed seed the order within sets, and with it the bytes, differs from build to build.
    assert all(command.startswith("PYTHONHASHSEED=0 ") for command in compilations)


def test_the_build_backend_is_taken_from_the_lock_with_all_that_it_needs() -> None:
    selection = re.search(r"/\^\(([a-z|-]+)\)==/", " ".join(COMMANDS))
    assert selection is not None
    assert set(selection[1].split("|")) == closure("hatchling")


def closure(name: str) -> set[str]:
    """A distribution and all that it needs, by its own metadata."""
    needed = [Requirement(text) for text in requires(name) or []]
    names = {canonicalize_name(need.name) for need in needed if need.marker is None or need.marker.evaluate()}
    return {name}.union(*(closure(need) for need in names))


def test_pip_does_not_reach_the_image_and_a_compiler_ends_the_build() -> None:
    (removal,) = named("RUN", LAST)
    assert removal.startswith("rm -rf /usr/local/bin/pip* ")
    assert "for tool in pip pip3 cc gcc clang; do if command -v" in removal
    assert removal.endswith("&& ! python3 -c 'import pip' 2>/dev/null")
    assert any("venv --without-pip /opt/evidence-gate" in command for command in COMMANDS)


def test_the_user_is_a_number_that_is_not_root() -> None:
    assert named("USER") == ["65532:65532"]
    positions = {found.name: position for position, found in enumerate(ALL)}
    assert positions["USER"] > positions["RUN"]


def test_the_program_is_started_without_a_shell() -> None:
    (entrypoint,) = named("ENTRYPOINT")
    assert json.loads(entrypoint) == ["evidence-gate"]
    assert "evidence-gate" in PROJECT["project"]["scripts"]
    assert named("CMD") == []
    (environment,) = named("ENV", LAST)
    assert environment.startswith("PATH=/opt/evidence-gate/bin:")


def test_the_labels_say_what_the_project_says() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', named("LABEL", LAST)[0]))
    project = PROJECT["project"]
    assert f"VERSION={project['version']}" in named("ARG", LAST)
    assert labels == {
        "title": project["name"],
        "description": project["description"],
        "licenses": project["license"],
        "version": "${VERSION}",
        "revision": "${REVISION}",
        "base.name": "${BASE}",
    }


def test_what_is_copied_from_the_sources_exists_and_reaches_the_builder() -> None:
    sources = [source for value in named("COPY", 1) for source in value.split()[:-1]]
    files = [
        str(path.relative_to(ROOT))
        for source in sources
        for path in [ROOT / source, *(ROOT / source).glob("*.*")]
        if path.is_file()
    ]
    assert {"pyproject.toml", "README.md", "LICENSE", "requirements/runtime.txt", "webhook/py.typed"} <= set(files)
    assert all(in_context(name) for name in files)
