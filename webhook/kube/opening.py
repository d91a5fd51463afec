"""Opens the Kubernetes client, from a kubeconfig or in a pod.

`kubernetes.aio` ships no type information and takes 0.3 s to import, so it is imported when a client is opened and
not before.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from webhook.errors import ConfigurationError
from webhook.kube.client import KubeClient

USER_AGENT = f"execution-evidence-gate/{version('execution-evidence-gate')}"


@asynccontextmanager
async def open_client(kubeconfig: Path | None) -> AsyncIterator[KubeClient]:
    """Opens a client. No request is made yet.

    Proxies come from the kubeconfig alone: neither proxy variables nor `.netrc` are read.

    Args:
        kubeconfig: A kubeconfig file, whose current context is used; None means the pod's service account. The
            token of a kubeconfig's exec plugin is read once and not renewed.

    Yields:
        The client.

    Raises:
        ConfigurationError: The kubeconfig cannot be used, or this is no pod.
    """
    api = await _connected(kubeconfig)
    try:
        yield KubeClient(api)
    finally:
        await api.close()


async def _connected(kubeconfig: Path | None) -> Any:
    # Only who opens a client pays for the import. `Any`, because not one of its functions is typed.
    client: Any = import_module("kubernetes.aio.client")
    config: Any = import_module("kubernetes.aio.config")
    configuration = client.Configuration(client_session_kwargs={"trust_env": False})
    # As client-go: clusters whose CA predates RFC 5280's key identifiers are common, and Python 3.13 refuses them.
    configuration.disable_strict_ssl_verification = True
    try:
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            # persist_config=True, the default, would write into the user's file.
            await config.load_kube_config(str(kubeconfig), client_configuration=configuration, persist_config=False)
        api = client.ApiClient(configuration)
    except Exception as error:
        # The library fails in a dozen ways on a bad file, AttributeError among them.
        raise ConfigurationError(_why(kubeconfig)) from error
    api.user_agent = USER_AGENT
    return api


def _why(kubeconfig: Path | None) -> str:
    """Says why no API server is known, and what to do."""
    if kubeconfig is not None:
        return f"kubeconfig {kubeconfig} does not lead to an API server; check that the file is complete"
    place = "the pod's service account does not lead to an API server"
    if not os.environ.get("KUBERNETES_SERVICE_HOST"):
        return f"{place}, since this is no pod; name the cluster by --kubeconfig"
    return f"{place}; check that its token is mounted (automountServiceAccountToken)"
