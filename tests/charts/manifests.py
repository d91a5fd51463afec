"""`python -m tests.charts.manifests`: writes what is made of the chart, and the chart's copy of the definition.

`manifests/install.yaml` is the chart with its default values, for users of kubectl: the gate is off, and nothing is
registered. `manifests/crds/` is the definition's source; Helm reads only what lies in the chart.
"""

import sys
import tempfile
from pathlib import Path

from tests.charts.chart import CHART, NAMESPACE, Helm
from tests.tools.build import ToolsError, program

_MANIFESTS = CHART.parents[1] / "manifests"
INSTALL = _MANIFESTS / "install.yaml"
DEFINITION = _MANIFESTS / "crds" / "executionevidences.yaml"
DEFINITION_IN_CHART = CHART / "files" / "executionevidences.yaml"

_HEADER = f"""\
# Rendered from charts/execution-evidence-gate by `make manifests`; change that instead. The gate is off until its
# configuration says `Enabled: true` and a webhook is registered: docs/install.md.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels: {{pod-security.kubernetes.io/enforce: restricted}}
"""


def install_manifest(helm: Helm) -> str:
    """Renders the chart for users of kubectl.

    Args:
        helm: Helm.

    Returns:
        The manifests.
    """
    rendered = helm.template("--skip-tests").replace(
        "app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl"
    )
    return _HEADER + rendered


def main() -> int:
    """Writes the files.

    Returns:
        The exit code: 0, or 1 when there is no Helm.
    """
    DEFINITION_IN_CHART.write_bytes(DEFINITION.read_bytes())
    try:
        with tempfile.TemporaryDirectory() as home:
            INSTALL.write_text(install_manifest(Helm(program("helm"), Path(home))))
    except ToolsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
