"""Pods as the API server gives them, and runs."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.model.image import ImageReference
from webhook.model.timestamp import format_rfc3339
from webhook.observer.running import Place, Run, Window

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
PLACE = Place("shop-staging", "staging")
REPOSITORY = "registry.example.com/shop/cart"


def digest(name: str) -> str:
    """Another text is another digest."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def at(minutes: float) -> str:
    """The instant so many minutes before `NOW`, as a status has it."""
    return format_rfc3339(NOW - timedelta(minutes=minutes))


def running(minutes: float = 30) -> dict[str, Any]:
    """The state of a container that has been running for so many minutes."""
    return {"running": {"startedAt": at(minutes)}}


def ended(began: float, end: float) -> dict[str, Any]:
    """The state of a container that ran between so many minutes ago."""
    return {"terminated": {"exitCode": 0, "startedAt": at(began), "finishedAt": at(end)}}


def pod(
    *containers: Mapping[str, Any], name: str = "cart-0", init: Mapping[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """A pod of containers, each with `name`, `image`, `imageID` and `state`."""
    starting = [] if init is None else [init]
    return {
        "metadata": {"name": name},
        "spec": {
            "containers": [_spec(entry) for entry in containers],
            "initContainers": [_spec(entry) for entry in starting],
            **spec,
        },
        "status": {
            "containerStatuses": [_status(entry) for entry in containers],
            "initContainerStatuses": [_status(entry) for entry in starting],
        },
    }


def container(**changes: Any) -> dict[str, Any]:
    """A container that has been running for half an hour, as containerd tells it."""
    image = f"{REPOSITORY}@{digest('cart')}"
    return {"name": "cart", "image": f"{REPOSITORY}:1", "imageID": image, "state": running()} | changes


def run(**changes: Any) -> Run:
    """A run of half an hour."""
    made: dict[str, Any] = {
        "place": PLACE,
        "pod": "cart-0",
        "container": "cart",
        "alone": True,
        "window": Window(NOW - timedelta(minutes=30), NOW),
        "image": ImageReference.parse(f"{REPOSITORY}@{digest('cart')}"),
        "named": None,
    }
    return Run(**made | changes)


def _spec(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("name", "image", "restartPolicy") if key in entry}


def _status(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("name", "imageID", "state", "lastState") if key in entry}
