"""The registry store inside the server: made of the configuration, made anew when that changes, and counted."""

import copy
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.admission.requests import deployment, review
from tests.harness.evidence import digest_of, statement
from tests.harness.gate import Gate
from tests.server.serving import Server
from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import PATH, plain
from webhook.errors import ConfigurationError
from webhook.server.metrics import Metrics
from webhook.server.ruleset import build_stores
from webhook.settings.loading import load_settings
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.client.client import Call
from webhook.stores.registry.store import LookUp, RegistryStore

IMAGE = digest_of("cart")


def configure(gate: Gate, registry: RegistrySimulator, **section: Any) -> None:
    """Makes a registry the gate's only store."""
    configuration = copy.deepcopy(gate.configuration)
    document = {"allow": [f"{registry.host}/*"], "hosts": {registry.host: plain()}}
    configuration["stores"] = {"registry": document | section}
    gate.configure(configuration)


def asking(registry: RegistrySimulator, image: str) -> bytes:
    return review(deployment(f"{registry.host}/{PATH}{image}"))


def attach(gate: Gate, registry: RegistrySimulator, image: str = IMAGE) -> None:
    registry.attach(PATH, image, gate.signer.sign(statement(image)).encode())


async def test_an_image_is_admitted_on_what_lies_beside_it(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry)
        attach(gate, registry)
        async with Server(gate) as server:
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Pass EvidenceSufficient"
            assert await server.said(asking(registry, f"@{digest_of('other')}")) == "Fail EvidenceMissing"


async def test_a_tag_is_resolved_by_the_registry_where_the_policy_says_so(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        gate.configuration["PolicyGates"]["ExecutionEvidence"]["TagPolicy"] = "Resolve"
        configure(gate, registry)
        attach(gate, registry, registry.add_manifest(PATH, {}, "1.0"))
        async with Server(gate) as server:
            assert await server.said(asking(registry, ":1.0")) == "Pass EvidenceSufficient"


async def test_a_first_statement_that_does_not_suffice_hides_no_better_one(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry)

        def publish(image: str, **predicate: int) -> None:
            raw = gate.signer.sign(statement(image, **predicate)).encode()
            descriptor = registry.add_blob(PATH, raw, "application/vnd.dsse.envelope.v1+json")
            registry.add_manifest(PATH, {"layers": [descriptor]}, f"{image.replace(':', '-')}.att")

        async with Server(gate) as server:
            publish(digest_of("known for its tag"))
            await server.said(asking(registry, f"@{digest_of('known for its tag')}"))
            publish(IMAGE, hotSymbolCount=0)
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Fail EvidenceInsufficient"
            attach(gate, registry)
            publish(digest_of("thin"), hotSymbolCount=0)
            attach(gate, registry, digest_of("thin"))
            assert await server.said(asking(registry, f"@{digest_of('thin')}")) == "Pass EvidenceSufficient"


def beacons(image: str, verified: int) -> dict[str, Any]:
    members = {"beaconsExpected": 10, "beaconsVerified": verified}
    return statement(image, **members) | {"predicateType": "stella.ops/beaconAttestation@v1"}


async def test_beacons_beside_an_image_are_found_and_hide_nothing(gate: Gate) -> None:
    """Whichever statement a registry gives first, and in haste: the other kind is looked for until it is found."""
    async with RegistrySimulator() as registry:
        gate.configuration["PolicyGates"]["BeaconRate"] = {"Enabled": True, "MissingBeaconAction": "Block"}
        configure(gate, registry)
        async with Server(gate) as server:
            attach(gate, registry)
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Fail BeaconDataMissing"
            for name, order in (("first", 1), ("last", -1)):
                image = digest_of(name)
                for content in [statement(image), beacons(image, 9)][::order]:
                    registry.attach(PATH, image, gate.signer.sign(content).encode())
                assert (await server.said(asking(registry, f"@{image}"))).startswith("Pass ")
            few = digest_of("few")
            attach(gate, registry, few)
            registry.attach(PATH, few, gate.signer.sign(beacons(few, 7)).encode())
            assert await server.said(asking(registry, f"@{few}")) == "Fail BeaconRateInsufficient"


async def test_beacons_alone_are_no_execution_evidence(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry)
        registry.attach(PATH, IMAGE, gate.signer.sign(beacons(IMAGE, 10)).encode())
        async with Server(gate) as server:
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Fail EvidenceMissing"


def store_of(server: Server) -> RegistryStore:
    (store,) = server.rules._stores
    assert isinstance(store, RegistryStore)
    return store


async def test_what_was_fetched_outlives_a_change_of_keys_but_the_verdict_does_not(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry)
        attach(gate, registry)
        async with Server(gate) as server:
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Pass EvidenceSufficient"
            store, asked = store_of(server), len(registry.seen)
            gate.configuration["trust"]["keys"] = []
            configure(gate, registry)
            assert await server.rules.reload()
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Fail EvidenceUntrusted"
            assert store_of(server) is store
            assert len(registry.seen) == asked


async def test_other_predicate_types_make_the_store_anew(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry)
        attach(gate, registry)
        async with Server(gate) as server:
            gate.configuration["trust"]["predicateTypes"] = ["https://example.com/another@v1"]
            configure(gate, registry)
            store = store_of(server)
            assert await server.rules.reload()
            assert store_of(server) is not store
            assert await server.said(asking(registry, f"@{IMAGE}")) == "Fail EvidenceMissing"


async def test_another_content_of_a_file_makes_the_store_anew(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        file = gate.folder / "config.json"
        file.write_text('{"auths": {}}')
        configure(gate, registry, dockerConfig="config.json")
        async with Server(gate) as server:
            store = store_of(server)
            assert await server.rules.reload()
            assert store_of(server) is store
            file.write_text('{"auths": {"registry.example.com": {"auth": "YW5uOnMzY3JldA=="}}}')
            assert await server.rules.reload()
            assert store_of(server) is not store


async def test_pull_secrets_without_a_cluster_are_a_configuration_error(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry, pullSecrets=True)
        with pytest.raises(ConfigurationError, match="pullSecrets"):
            build_stores(load_settings(Path(gate.folder / "config.yaml")), None)


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by its labels, in the order of their names."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == f"execution_evidence_gate_registry_{name}"
    }


async def test_calls_bytes_times_and_look_ups_are_counted_by_registry(gate: Gate) -> None:
    async with RegistrySimulator() as registry:
        configure(gate, registry)
        attach(gate, registry)
        async with Server(gate) as server:
            for image in ("cart", "cart", "other"):
                await server.said(asking(registry, f"@{digest_of(image)}"))
            host, requests = registry.host, registry.requests
            calls = samples(server.metrics, "calls_total")
            assert sum(calls.values()) == sum(requests.values())
            assert calls[host, "blob", "ok"] == 1
            assert calls[host, "referrers", "ok"] == requests["referrers"]
            assert samples(server.metrics, "call_seconds_count") == {(host,): sum(requests.values())}
            assert samples(server.metrics, "received_bytes_total")[host,] > len(statement(IMAGE))
            # Where nothing is found, newer evidence is asked for at once; it is known that there is none.
            look_ups = samples(server.metrics, "look_ups_total")
            assert look_ups == {
                (host, "found", "registry"): 1,
                (host, "found", "cache"): 1,
                (host, "absent", "registry"): 1,
                (host, "absent", "cache"): 1,
            }


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("ghcr.io", "ghcr.io"),
        ("docker.io", "docker.io"),
        ("attestations.example.com", "attestations.example.com"),
        ("mirror.example.com", "mirror.example.com"),
        ("special.example.com:5000", "special.example.com:5000"),
        ("made-up.example.com", "other"),
        ("", "other"),
    ],
)
def test_a_host_is_named_only_if_the_configuration_names_it(host: str, label: str) -> None:
    section = RegistryStoreSettings.model_validate(
        {
            "allow": ["*.example.com/*", "ghcr.io/team/*"],
            "hosts": {"special.example.com:5000": {}},
            "evidenceRepository": "attestations.example.com/all",
            "mirrors": {"docker.io": ["mirror.example.com/hub"]},
        }
    )
    metrics = Metrics()
    observer = metrics.registries.observer(section)
    observer.call(Call(host, "blob", "ok", 0.25, 100))
    observer.look_up(LookUp(host, "found", cached=True))
    assert samples(metrics, "calls_total") == {(label, "blob", "ok"): 1}
    assert samples(metrics, "received_bytes_total") == {(label,): 100}
    assert samples(metrics, "call_seconds_sum") == {(label,): 0.25}
    assert samples(metrics, "look_ups_total") == {(label, "found", "cache"): 1}
