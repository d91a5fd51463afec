"""Events about the webhook's own pod: what its administrator has to know, where `kubectl describe pod` shows it."""

import socket
from collections.abc import Callable
from pathlib import Path

from webhook.kube.events import EventDraft, EventRecorder, Regarding

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_pod(namespace_file: Path = _NAMESPACE_FILE) -> Regarding | None:
    """Finds the pod that this process runs in.

    Args:
        namespace_file: Where the kubelet writes the pod's namespace.

    Returns:
        The pod, whose name is the host's; None outside a pod.
    """
    try:
        namespace = namespace_file.read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    return Regarding("v1", "Pod", namespace, socket.gethostname())


def configuration_alarm(recorder: EventRecorder | None, pod: Regarding | None) -> Callable[[str], None]:
    """Makes what is called when a new configuration cannot be used.

    Args:
        recorder: Takes the Event, or None.
        pod: The pod that it is about, or None.

    Returns:
        Takes the problem as the log tells it; does nothing without recorder or pod.
    """

    def alarm(problem: str) -> None:
        if recorder is not None and pod is not None:
            note = f"The old configuration stays in force: {problem}"
            recorder.record(EventDraft(pod, "Warning", "ConfigurationBroken", "Reload", note))

    return alarm
