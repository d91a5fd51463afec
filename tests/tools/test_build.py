import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.build import HERE, ToolsError, build, cache_folder, go_version, program
from tests.tools.modules import MODULES, ROLLOUTS_MODULE, Module
from tests.tools.progress import run_showing_progress


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A copy of the Go modules' files, free to be changed."""
    copy = tmp_path / "modules"
    for module in MODULES:
        (copy / module.folder).mkdir(parents=True)
        for path in (HERE / module.folder).glob("*.*"):
            shutil.copy(path, copy / module.folder)
    return copy


def install(folder: Path, *names: str) -> dict[str, str]:
    """Makes a folder of programs, and the environment that points at it."""
    folder.mkdir()
    for name in names:
        (folder / name).touch(mode=0o755)
    return {"KUBEBUILDER_ASSETS": str(folder)}


def fake_go(folder: Path, answer: str) -> str:
    go = folder / "go"
    go.write_text(f"#!/bin/sh\necho '{answer}'\n")
    go.chmod(0o755)
    return str(go)


KUBERNETES, ETCD, HELM, REGISTRY = MODULES[:4]


def built(module: Module, cache: Path) -> dict[str, str]:
    """Makes a cache that holds a module's programs."""
    environment = {"XDG_CACHE_HOME": str(cache)}
    folder = cache_folder(module, environment, "go1.26.0")
    folder.mkdir(parents=True)
    for name in module.programs:
        (folder / name).touch(mode=0o755)
    return environment


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go that knows its version and can build nothing."""
    monkeypatch.setenv("PATH", str(Path(fake_go(tmp_path, "go1.26.0")).parent))


def test_assets_of_the_user_are_taken_and_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = install(tmp_path / "assets", "kube-apiserver", "etcd", "kubectl")
    monkeypatch.setenv("PATH", "")  # No Go: a build could not even begin.
    assert build([ETCD], environment) == [tmp_path / "assets" / "etcd"]


@pytest.mark.parametrize("missing", ["kube-apiserver", "etcd", "kubectl"])
def test_assets_that_lack_a_program_are_refused_by_its_name(tmp_path: Path, missing: str) -> None:
    present = {"kube-apiserver", "etcd", "kubectl"} - {missing}
    environment = install(tmp_path / "assets", *present) | {"PATH": str(tmp_path)}
    with pytest.raises(ToolsError, match=f"KUBEBUILDER_ASSETS is .*assets, which holds no {missing}$"):
        program(missing, environment)


def test_a_server_of_another_release_on_path_does_not_stand_in_for_an_asset(tmp_path: Path) -> None:
    environment = install(tmp_path / "assets", "kube-apiserver", "kubectl")
    (tmp_path / "etcd").touch(mode=0o755)
    with pytest.raises(ToolsError, match=r"holds no etcd$"):
        program("etcd", environment | {"PATH": str(tmp_path)})


def test_an_asset_that_cannot_be_run_is_missing(tmp_path: Path) -> None:
    environment = install(tmp_path / "assets", "kube-apiserver", "etcd", "kubectl")
    (tmp_path / "assets" / "etcd").chmod(0o644)
    with pytest.raises(ToolsError, match=r"holds no etcd$"):
        program("etcd", environment)


@pytest.mark.parametrize(("name", "command"), [("kube-apiserver", "make tools"), ("kubelet", "make e2e")])
@pytest.mark.usefixtures("go")
def test_programs_that_were_never_built_say_what_builds_them(tmp_path: Path, name: str, command: str) -> None:
    with pytest.raises(ToolsError, match=f"^{name} has not been built .*: run `{command}`$"):
        program(name, {"XDG_CACHE_HOME": str(tmp_path)})


@pytest.mark.usefixtures("go")
def test_programs_that_were_built_before_are_found_and_not_built_again(tmp_path: Path) -> None:
    environment = built(KUBERNETES, tmp_path)
    folder = cache_folder(KUBERNETES, environment, "go1.26.0")
    assert build([KUBERNETES], environment) == [folder / name for name in KUBERNETES.programs]


@pytest.mark.parametrize("module", [REGISTRY, ROLLOUTS_MODULE], ids=lambda module: module.folder)
@pytest.mark.usefixtures("go")
def test_what_setup_envtest_does_not_install_is_built_also_for_a_user_who_has_assets(
    tmp_path: Path, module: Module
) -> None:
    environment = install(tmp_path / "assets", "kube-apiserver", "etcd", "kubectl") | built(module, tmp_path)
    folder = cache_folder(module, environment, "go1.26.0")
    programs = [folder / name for name in module.programs]
    assert build([ETCD, module], environment) == [tmp_path / "assets" / "etcd", *programs]


@pytest.mark.usefixtures("go")
def test_a_file_of_a_module_is_found_beside_its_programs(tmp_path: Path) -> None:
    environment = built(ROLLOUTS_MODULE, tmp_path)
    folder = cache_folder(ROLLOUTS_MODULE, environment, "go1.26.0")
    assert program("rollout-crd.yaml", environment) == folder / "rollout-crd.yaml"


def test_the_key_changes_with_the_files_that_are_kept() -> None:
    fewer = dataclasses.replace(ROLLOUTS_MODULE, files=ROLLOUTS_MODULE.files[1:])
    assert cache_folder(fewer, {}, "go1.26.0") != cache_folder(ROLLOUTS_MODULE, {}, "go1.26.0")


def fake_helm(folder: Path, version: str) -> dict[str, str]:
    """Makes an environment of somebody who has assets, and a Helm on PATH."""
    environment = install(folder / "assets", "kube-apiserver", "etcd", "kubectl")
    helm = folder / "helm"
    helm.write_text(f"#!/bin/sh\necho '{version}'\n")
    helm.chmod(0o755)
    return environment | {"PATH": str(folder)}


def test_with_assets_of_the_user_helm_is_searched_on_path(tmp_path: Path) -> None:
    assert program("helm", fake_helm(tmp_path, "v4.3.1")) == tmp_path / "helm"


@pytest.mark.parametrize("version", ["v3.19.0", "v40.0.0", ""])
def test_a_helm_of_another_major_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ToolsError, match=r"install Helm 4$"):
        program("helm", fake_helm(tmp_path, version))


def test_assets_without_a_program_on_path_ask_for_it(tmp_path: Path) -> None:
    environment = install(tmp_path / "assets", "kube-apiserver", "etcd", "kubectl")
    with pytest.raises(ToolsError, match="there is no helm on PATH: install helm"):
        program("helm", environment | {"PATH": str(tmp_path)})


def test_the_cache_lies_below_xdg_cache_home() -> None:
    folder = cache_folder(ETCD, {"XDG_CACHE_HOME": "/caches"}, "go1.26.0")
    assert folder.parent == Path("/caches/execution-evidence-gate/tools")


def test_the_cache_lies_in_the_home_folder_by_default() -> None:
    folder = cache_folder(ETCD, {}, "go1.26.0")
    assert folder.parent == Path.home() / ".cache" / "execution-evidence-gate" / "tools"


@pytest.mark.parametrize(
    ("module", "name"),
    [*((module, name) for module in MODULES for name in ("go.mod", "go.sum")), (REGISTRY, "main.go")],
    ids=lambda value: value.folder if isinstance(value, Module) else value,
)
def test_the_key_changes_with_each_file_of_a_module(modules: Path, module: Module, name: str) -> None:
    before = {other: cache_folder(other, {}, "go1.26.0", modules) for other in MODULES}
    with (modules / module.folder / name).open("a") as handle:
        handle.write("// changed\n")
    after = {other: cache_folder(other, {}, "go1.26.0", modules) for other in MODULES}
    assert [other for other in MODULES if before[other] != after[other]] == [module]


def test_the_key_changes_with_the_go_version() -> None:
    assert cache_folder(ETCD, {}, "go1.26.0") != cache_folder(ETCD, {}, "go1.26.1")


def test_the_same_files_and_go_give_the_same_key(modules: Path) -> None:
    assert cache_folder(ETCD, {}, "go1.26.0", modules) == cache_folder(ETCD, {}, "go1.26.0", HERE)


def test_a_missing_go_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match=r"Go is not installed\. Go 1\.26 or newer is needed"):
        go_version(str(tmp_path / "go"))


@pytest.mark.parametrize("answer", ["go1.25.9", "go1.9", "go0.99.1", "", "gibberish"])
def test_a_go_that_is_too_old_or_unknown_is_refused(tmp_path: Path, answer: str) -> None:
    with pytest.raises(ToolsError, match=r"Go 1\.26 or newer is needed"):
        go_version(fake_go(tmp_path, answer))


@pytest.mark.parametrize("answer", ["go1.26.0", "go1.26rc1", "go1.30", "go2.0", "devel go1.27-abcdef"])
def test_a_newer_go_is_accepted(tmp_path: Path, answer: str) -> None:
    assert go_version(fake_go(tmp_path, answer)) == answer


def test_kubernetes_is_told_the_version_of_its_module() -> None:
    flags = MODULES[0].linker_flags("require k8s.io/kubernetes v1.38.4 // indirect\n")
    assert "-X k8s.io/component-base/version.gitVersion=v1.38.4" in flags
    assert "-X k8s.io/component-base/version.gitMajor=1" in flags
    assert "-X k8s.io/component-base/version.gitMinor=38" in flags


def test_a_failing_program_shows_its_last_words() -> None:
    script = "import sys; print('fetched', file=sys.stderr); sys.exit('no route to the module proxy')"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_showing_progress([sys.executable, "-c", script], HERE, os.environ, "lines of")
    assert caught.value.stderr.splitlines() == ["fetched", "no route to the module proxy"]


def test_progress_shows_time_and_count_while_a_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    script = "import sys, time; print('a\\nb', file=sys.stderr, flush=True); time.sleep(0.5); print('done')"
    output = run_showing_progress([sys.executable, "-c", script], HERE, os.environ, "packages of", interval=0.1)
    assert output == ["done"]
    assert "0 s: 2 packages of tools" in capsys.readouterr().err
