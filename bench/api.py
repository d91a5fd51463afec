"""The way to an API server for the bench itself."""

import json
import ssl
from pathlib import Path

EVIDENCE = "/apis/stella.ops/v1alpha1/executionevidences"


def credentials(kubeconfig: Path) -> ssl.SSLContext:
    """Reads a kubeconfig of the test control plane.

    Args:
        kubeconfig: JSON, with a client certificate in a file.

    Returns:
        What to connect with.
    """
    content = json.loads(kubeconfig.read_text())
    context = ssl.create_default_context(cafile=content["clusters"][0]["cluster"]["certificate-authority"])
    user = content["users"][0]["user"]
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    return context
