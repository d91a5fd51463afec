import re
import tomllib

from tests.docs.console import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_the_layers_are_those_that_lint_holds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = next(
        contract["layers"] for contract in project["tool"]["importlinter"]["contracts"] if "layers" in contract
    )
    ladder = "\n".join(layers).replace("webhook.", "")
    assert f"```\n{ladder}\n```" in PAGE


def test_the_rooms_are_the_packages_folders_and_files() -> None:
    listed = set(re.findall(r"^  ([a-z_]+(?:/|\.py)) ", PAGE, re.MULTILINE))
    package = ROOT / "webhook"
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    files = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    assert listed == folders | files


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`([a-z_]+/[a-z_]+\.py)`", PAGE):
        assert (ROOT / "webhook" / name).is_file(), name
