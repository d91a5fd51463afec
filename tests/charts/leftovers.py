"""What a release leaves behind."""

import json

from tests.charts.chart import RELEASE
from tests.harness.api_server import ApiServer

KINDS = (
    "validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,"
    "clusterrolebindings,roles,rolebindings,serviceaccounts,services,configmaps,secrets,deployments,replicasets,pods,"
    "poddisruptionbudgets,networkpolicies,customresourcedefinitions"
)


def present(control_plane: ApiServer) -> set[str]:
    """Finds what belongs to the release, by label or by name.

    Args:
        control_plane: Where to look.

    Returns:
        Kind and name of each object.
    """
    listed = json.loads(control_plane.kubectl("get", KINDS, "-A", "-o", "json").stdout)["items"]
    mine = [item for item in listed if RELEASE in json.dumps(item["metadata"].get("labels", {}))]
    mine += [item for item in listed if RELEASE in item["metadata"]["name"] and item not in mine]
    return {f"{item['kind']}/{item['metadata']['name']}" for item in mine}
