"""Which series are asked for."""

import re

from webhook.observer.sources.protocol import ContainerRun, ProfileUnusableError
from webhook.observer.sources.settings import SourceSettings

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
"""All names of namespaces, pods and containers (DNS-1123), in which nothing needs to be escaped."""


def selector(settings: SourceSettings, run: ContainerRun) -> str:
    """Writes what both servers understand: labels that equal texts.

    Args:
        settings: What labels are called there, and which others a series must have.
        run: The container.

    Returns:
        For example `{namespace="shop",pod="cart-0",container="cart",cluster="staging"}`.

    Raises:
        ProfileUnusableError: One of the names is none that Kubernetes gives; it could ask for anything.
    """
    labels = settings.labels
    named = [(labels.namespace, run.namespace), (labels.pod, run.pod)]
    if labels.container is not None:
        named.append((labels.container, run.container))
    if not all(_NAME.fullmatch(name) for _, name in named):
        raise ProfileUnusableError("a pod has a name that Kubernetes does not give, and is not asked about")
    # The settings have seen to it that nothing in matchers needs to be escaped.
    wanted = [*named, *settings.matchers.items()]
    return "{" + ",".join(f'{label}="{text}"' for label, text in wanted) + "}"
