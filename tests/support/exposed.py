"""What the webhook exposes at `/metrics`, wherever in the code it is registered."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from webhook.server.metrics import Metrics

SERVER = Path(__file__).resolve().parents[2] / "webhook" / "server"
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["", "_bucket", "_sum", "_count"]}
"""Type to what is added to a metric's name."""


def exposed() -> dict[str, str]:
    """Gives every metric and its type; what other parts keep is registered where they are made."""
    metrics = Metrics()
    for path in sorted(SERVER.glob("*.py")):
        for add, name in re.findall(r'metrics\.(expose|gauge)\(\s*"([a-z_]+)"', path.read_text("utf-8")):
            (metrics.expose if add == "expose" else metrics.gauge)(name, "", lambda: 0)
    families = text_string_to_metric_families(metrics.render().decode())
    return {family.name + SUFFIXES[family.type][0]: family.type for family in families if family.type in SUFFIXES}
