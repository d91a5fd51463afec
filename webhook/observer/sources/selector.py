"""Which series are asked for."""

import re

from webhook.errors import UnavailableError
from webhook.observer.sources.protocol import ContainerRun
from webhook.observer.sources.settings import LabelSettings

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
"""All names of namespaces, pods and containers (DNS-1123), in which nothing needs to be escaped."""


def selector(labels: LabelSettings, run: ContainerRun) -> str:
    """Writes what both servers understand: labels that equal names.

    Args:
        labels: What they are called there.
        run: The container.

    Returns:
        For example `{namespace="shop",pod="cart-0",container="cart"}`.

    Raises:
        UnavailableError: One of the names is none that Kubernetes gives; it could ask for anything.
    """
    wanted = [(labels.namespace, run.namespace), (labels.pod, run.pod)]
    if labels.container is not None:
        wanted.append((labels.container, run.container))
    if not all(_NAME.fullmatch(name) for _, name in wanted):
        raise UnavailableError("a pod has a name that Kubernetes does not give, and is not asked about")
    return "{" + ",".join(f'{label}="{name}"' for label, name in wanted) + "}"
