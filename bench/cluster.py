"""The cluster store with 10,000 objects: time to list, look-ups, throughput against 100 objects, memory."""

import asyncio
import http.client
import itertools
import json
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from bench import review
from bench.evidence import fill, image_digests
from bench.ledger import Ledger
from bench.load_generator import Target
from bench.lookup import measure_lookups
from bench.machine import resident_mib
from bench.pairs import Contender, medians, take_turns, throughput_ratios
from bench.process_start import serving, started
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.cluster import make_account
from tests.harness.control_plane import ControlPlane
from tests.harness.gate import Gate

_FEW = 100
_STARTS = 3
_IMAGES_A_REVIEW = 250
_PATH = "/admit/production?timeout=10s"


def measure(stage: Stage) -> list[Figure]:
    """Runs two webhooks on two API servers, one with few objects and one with many.

    Args:
        stage: The shared parts; its API server gets the few objects.

    Returns:
        The figures of the cluster store.
    """
    many = image_digests(stage.effort.objects)
    small = _Site(stage, "few", stage.control_plane, many[:_FEW])
    large = _Site(stage, "many", stage.another_control_plane(), many)
    listing = _listing(large)
    say("cluster: looking up in process")
    lookups = measure_lookups(large.kubeconfig, many)
    say(f"  p99 {lookups.measured:.1f} µs; ClusterStore.start took {lookups.details['store_start_s']:.2f} s")
    return [listing, lookups, *_throughput_and_memory(stage, large, small)]


class _Site:
    """An API server with signed evidence, and the files of a webhook that trusts its signer."""

    def __init__(self, stage: Stage, name: str, control_plane: ControlPlane, digests: Sequence[str]) -> None:
        self.digests = digests
        self.kubeconfig = make_account(control_plane)
        control_plane.kubectl("create", "namespace", "shop")  # Where the reviews come from, and the Events go.
        self.gate = Gate(stage.new_folder(name), {}, self.kubeconfig, stores={"cluster": {}})
        say(f"cluster: creating {len(digests)} ExecutionEvidence objects")
        asyncio.run(fill(control_plane, self.gate.signer, list(digests)))

    def contender(self) -> Contender:
        """The running webhook as one of two under load."""
        authority = self.gate.folder / "authority.pem"
        authority.write_bytes(self.gate.ca_pem)
        name = f"with {len(self.digests)}"
        return Contender(name, Target(f"{self.gate.url}{_PATH}", authority), self.gate.program.pid)


def _listing(site: _Site) -> Figure:
    starts = []
    for number in range(1, _STARTS + 1):
        with started(site.gate, site.kubeconfig) as (_, seconds):
            starts.append(seconds)
        say(f"  start {number} of {_STARTS}: {seconds:.2f} s until all are listed")
    count = len(site.digests)
    how = f"process start to the first 200 of /readyz, list included; median of and spread over {_STARTS} starts"
    return Figure.of(Title(f"{count:,} ExecutionEvidence objects listed", "s", 10.0, how), starts)


def _throughput_and_memory(stage: Stage, large: _Site, small: _Site) -> list[Figure]:
    load = stage.load
    say("cluster: both webhooks on one core take turns, the clients are on the other")
    with serving(large.gate), serving(small.gate):
        pid = large.gate.program.pid
        listed = resident_mib(pid)
        ledger, other_ledger = Ledger(large.gate), Ledger(small.gate)
        pairs = take_turns(load, stage.effort, large.contender(), small.contender())
        reviews = _review_every_image(large)
        ledger.expect_passes(sum(turn.sample.requests for turn, _ in pairs) + reviews)
        other_ledger.expect_passes(sum(turn.sample.requests for _, turn in pairs))
        used = resident_mib(pid)
    say(f"  memory: {listed:.1f} MiB listed, {used:.1f} MiB after every image was reviewed")
    count = f"{len(large.digests):,}"
    how = f"the warm review, Events on, two API servers; median of and spread over {len(pairs)} pairs of turns"
    ratio = Title(f"Warm review with {count} objects: throughput over that with {_FEW}", "", 0.95, how, at_least=True)
    memory = f"Memory with {count} objects"
    return [
        Figure.of(ratio, throughput_ratios(pairs), medians(pairs, ("many", "few"))),
        Figure.of(Title(f"{memory}, listed", "MiB", None, "VmRSS before the first review"), [listed]),
        Figure.of(Title(f"{memory}, each reviewed once", "MiB", None, "VmRSS after that"), [used]),
    ]


def _review_every_image(site: _Site) -> int:
    """Asks about every image once, which shows that all of them are known; gives the number of reviews."""
    address = urlsplit(site.gate.url)
    tls = ssl.create_default_context(cadata=site.gate.ca_pem.decode())
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=tls)
    reviews = 0
    for digests in _chunks(site.digests):
        connection.request("POST", _PATH, review.review_of(digests), {"Content-Type": "application/json"})
        response = json.loads(connection.getresponse().read())["response"]
        assert response["allowed"] is True, response
        assert not response.get("warnings"), response
        reviews += 1
    connection.close()
    return reviews


def _chunks(digests: Sequence[str]) -> Iterator[list[str]]:
    iterator = iter(digests)
    while chunk := list(itertools.islice(iterator, _IMAGES_A_REVIEW)):
        yield chunk
