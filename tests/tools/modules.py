"""The Go modules below this folder, and the programs that each of them gives."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_VERSION_VARIABLES = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Module:
    """A Go module below this folder whose `tool` directives name programs.

    Attributes:
        folder: The module's folder.
        programs: The files that a build of its tools gives; none where only files are kept.
        source: The module that `files` are taken from.
        files: Files of that module that are kept beside the programs, each under its own last name.
        linking: What the linker is told besides.
    """

    folder: str
    programs: tuple[str, ...]
    source: str = ""
    files: tuple[str, ...] = ()
    linking: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the folder of its build holds."""
        return self.programs + tuple(PurePosixPath(path).name for path in self.files)

    def output(self, target: Path) -> str:
        """Gives `go build`'s `-o`: a single program is named, since Go would call etcd after its folder `server`."""
        return str(target / self.programs[0]) if len(self.programs) == 1 else f"{target}{os.sep}"

    def linker_flags(self, go_mod: str) -> str:
        """Strips debug information, and tells Kubernetes its version as its own build does."""
        flags = f"-s -w {self.linking}".rstrip()
        release = re.search(r"\bk8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", go_mod)
        if release:
            values = zip(("gitVersion", "gitMajor", "gitMinor"), release.groups(), strict=True)
            flags += "".join(f" -X {_VERSION_VARIABLES}.{name}={value}" for name, value in values)
        return flags


REGISTRY_MODULES = (
    Module("registry", ("referrers-registry",)),
    Module("distribution", ("registry",)),
    Module("oras", ("oras",)),
    Module("cosign", ("cosign",)),
)
"""An OCI registry of our own, one of others, and what attaches evidence there."""

ROLLOUTS_MODULE = Module(
    "argo-rollouts",
    ("rollouts-controller", "kubectl-argo-rollouts"),
    "github.com/argoproj/argo-rollouts",
    (
        "manifests/crds/analysis-run-crd.yaml",
        "manifests/crds/analysis-template-crd.yaml",
        "manifests/crds/cluster-analysis-template-crd.yaml",
        "manifests/crds/experiment-crd.yaml",
        "manifests/crds/rollout-crd.yaml",
        "manifests/role/argo-rollouts-clusterrole.yaml",
    ),
)
"""Argo Rollouts: its controller, its kubectl plugin, its definitions, and the rights that it asks for."""

REPORT_MODULES = (
    Module("openreports", (), "github.com/openreports/reports-api", ("config/crd/openreports.io_reports.yaml",)),
    Module(
        "kyverno",
        (),
        "github.com/kyverno/kyverno",
        ("config/crds/policyreport/wgpolicyk8s.io_policyreports.yaml",),
    ),
)
"""The definitions of both kinds of reports; nothing is built."""

PROFILES_MODULE = Module("profiles", ("profiles",))
"""Go's profiler at work, and OpenTelemetry's own library that writes what it found."""

SIGSTORE_MODULES = (
    Module("sigstore-fulcio", ("fulcio",), "github.com/sigstore/fulcio", ("config/identity/config.yaml",)),
    Module("sigstore-tsa", ("timestamp-server",)),
    Module("sigstore-rekor", ("rekor-server",)),
    Module("sigstore-ctlog", ("tesseract",)),
)
"""The services of a Sigstore, and the public one's list of issuers; after cosign, whose packages they share."""

PROFILE_SERVER_MODULES = (
    # A library of it reaches into Go's runtime, which Go's linker no longer lets pass unasked.
    Module("parca", ("parca",), linking="-checklinkname=0"),
    Module("pyroscope", ("pyroscope",)),
)
"""Profile servers. They are as new as their modules are to be had."""

ALWAYS_BUILT = (
    *REGISTRY_MODULES,
    *SIGSTORE_MODULES,
    ROLLOUTS_MODULE,
    *REPORT_MODULES,
    PROFILES_MODULE,
    *PROFILE_SERVER_MODULES,
)
"""Built also for those who have assets: setup-envtest installs nothing like them."""

TEST_MODULES = (
    Module("kubernetes", ("kube-apiserver", "kube-controller-manager", "kubectl")),
    Module("etcd", ("etcd",)),
    Module("helm", ("helm",)),
    *ALWAYS_BUILT,
)
"""What `make test` needs."""

NODE_MODULES = (
    Module("node", ("kubelet", "kube-proxy", "kube-scheduler")),
    Module("coredns", ("coredns",)),
)
"""What a node needs besides, for `make e2e`."""

MODULES = TEST_MODULES + NODE_MODULES
