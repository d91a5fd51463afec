"""Two real registries with attested images, some way off, and a webhook that may ask them."""

import http.client
import itertools
import json
import re
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.process_start import serving
from bench.registry_layouts import Layout
from bench.stage import Stage
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.process import Program, free_ports
from tests.harness.registry import Registry
from tests.harness.workloads import admission_review, deployment

LATENCIES = (0, 20, 100)
"""Milliseconds that each request waits on its way to a registry."""
PATH = "/admit/production?timeout=10s"
_REQUEST = re.compile(r"^GET /v2/\S+/(manifests|blobs|referrers)/(\S+) HTTP", re.MULTILINE)
_READY_SECONDS = 20.0


class Way:
    """A registry as it is seen through a proxy.

    Attributes:
        host: The proxy's host and port, which image references name.
        milliseconds: What each request waits.
    """

    def __init__(self, registry: Registry, milliseconds: int, folder: Path) -> None:
        self.host = f"127.0.0.1:{free_ports(1)[0]}"
        self.milliseconds = milliseconds
        self._registry = registry
        log = folder / f"proxy-{self.host.rpartition(':')[2]}.log"
        command = [sys.executable, "-m", "bench.registry_proxy", self.host, registry.host, str(milliseconds)]
        self._program = Program(command, log)

    def wait(self) -> None:
        """Waits until it listens."""
        poll(lambda: "listening" in self._program.log.read_text(), _READY_SECONDS, "the proxy listens")

    def stop(self) -> None:
        """Kills it."""
        self._program.kill()

    def requests(self) -> list[tuple[str, str]]:
        """Lists the requests that came this way.

        Returns:
            `manifests`, `blobs` or `referrers`, and the tag or digest; in order.
        """
        return [(kind, reference) for kind, reference in _REQUEST.findall(self._program.log.read_text())]


class Site:
    """The registries, the ways to them, and the files of the webhook."""

    def __init__(self, stage: Stage, stack: ExitStack, name: str, latencies: Sequence[int]) -> None:
        self._numbers = itertools.count(1)
        self._registries = {
            referrers: stack.enter_context(
                Registry(stage.new_folder(f"{name}-registry-{referrers}".lower()), referrers=referrers)
            )
            for referrers in (True, False)
        }
        proxies = stage.new_folder(f"{name}-proxies")
        self._ways = {
            (referrers, latency): Way(registry, latency, proxies)
            for referrers, registry in self._registries.items()
            for latency in latencies
        }
        for way in self._ways.values():
            stack.callback(way.stop)
            way.wait()
        hosts = {way.host: {"insecure": True, "addresses": ["127.0.0.0/8"]} for way in self._ways.values()}
        section = {"allow": [f"{host}/*" for host in hosts], "hosts": hosts}
        self.gate = Gate(stage.new_folder(f"{name}-gate"), {}, stores={"registry": section})

    def way(self, layout: Layout, milliseconds: int) -> Way:
        """Gives the way to a layout's registry.

        Args:
            layout: The layout.
            milliseconds: One of the latencies.

        Returns:
            The way.
        """
        return self._ways[layout.referrers, milliseconds]

    def image(self, layout: Layout, milliseconds: int, beside: str | None = None) -> str:
        """Pushes an image that nobody has asked about, with evidence.

        Args:
            layout: How the evidence lies.
            milliseconds: One of the latencies.
            beside: An image in whose repository it is to lie; by default it gets one of its own.

        Returns:
            The reference, by the proxy's host and by digest.
        """
        number = next(self._numbers)
        path = beside.partition("@")[0].partition("/")[2] if beside else f"shop/image-{number}"
        pusher = self._registries[layout.referrers].repository(path)
        digest = pusher.image(f"{path}:{number}", tag=str(number))
        layout.attach(pusher, digest, self.gate.signer)
        return f"{self.way(layout, milliseconds).host}/{path}@{digest}"


class Reviewer:
    """One kept connection to a webhook."""

    def __init__(self, gate: Gate) -> None:
        address = urlsplit(gate.url)
        tls = ssl.create_default_context(cadata=gate.ca_pem.decode())
        self._connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=tls)

    def milliseconds(self, images: Sequence[str]) -> float:
        """Sends the review of a Deployment's creation.

        Args:
            images: One container each.

        Returns:
            How long the answer took.

        Raises:
            AssertionError: It was not admitted without a warning.
        """
        body = review_of(images)
        began = time.perf_counter()
        self._connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        content = self._connection.getresponse().read()
        took = (time.perf_counter() - began) * 1000
        response = json.loads(content)["response"]
        assert response["allowed"] is True, response
        assert not response.get("warnings"), response
        return took

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def review_of(images: Sequence[str]) -> bytes:
    """Writes a review.

    Args:
        images: One container each.

    Returns:
        The AdmissionReview of a small Deployment's creation.
    """
    manifest = deployment("cart", images[0])
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    manifest["spec"]["template"]["spec"]["containers"] = containers
    return admission_review(manifest, "00000000-0000-4000-8000-000000000000", "shop")


@contextmanager
def reviewing(gate: Gate) -> Iterator[Reviewer]:
    """Runs a webhook on the server's core.

    Args:
        gate: Its files.

    Yields:
        Somebody who sends it reviews.
    """
    with serving(gate):
        reviewer = Reviewer(gate)
        try:
            yield reviewer
        finally:
            reviewer.close()
