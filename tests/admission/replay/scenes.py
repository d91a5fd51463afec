"""Made-up decisions of the real decider: workloads, evidence, rules, clocks, gaps and deadlines of all kinds."""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.admission.conditions import REFUSED, UNAVAILABLE, Teller, telling
from tests.admission.requests import ALSO_SEEN, SEEN, TAGGED, UNSEEN, deployment, elsewhere, review, workload
from tests.admission.world import INSTANT, NOW
from tests.harness.evidence import digest_of
from tests.support.envelopes import bundle, dump, envelope
from tests.support.keys import ecdsa
from tests.support.statements import beacon_statement, predicate, statement
from webhook.admission.decide import Decider, Question
from webhook.admission.record import DecisionRecord, record_decision
from webhook.admission.review import decode_review
from webhook.errors import UnavailableError
from webhook.model.basis import Platform
from webhook.model.canonical import sha256_digest
from webhook.model.evidence import EvidenceResult, PullIdentity, TriggerTime
from webhook.model.timestamp import unix_millis
from webhook.server.providers import build_providers
from webhook.settings.loading import Settings, load_settings
from webhook.stores.protocol import Candidate, Found, ImageSubject

CHILD = digest_of("a platform")
NAMES = ("seen", "also seen")


def _pool() -> list[bytes]:
    subjects = [digest_of(name) for name in NAMES]
    key, stranger = ecdsa(), ecdsa(owner="stranger")
    bodies = [
        statement(subjects=subjects, predicate=predicate()),
        statement(subjects=subjects, predicate=predicate(hotSymbolCount=1, uniqueCallPaths=9)),
        statement(subjects=subjects, predicate=predicate(hotSymbolCount=60, uniqueCallPaths=0)),
        statement(subjects=subjects, predicate=predicate(environment="qa", hotSymbolCount=5)),
        statement(
            subjects=subjects,
            predicate=predicate(observedFrom="2025-12-31T00:00:00Z", observedUntil="2026-01-01T00:00:00Z"),
        ),
        statement(subjects=[CHILD], predicate=predicate(hotSymbolCount=7)),
        statement(subjects=subjects, predicate=predicate(hotSymbolCount=-1)),
        beacon_statement(subjects=subjects),
        beacon_statement(subjects=subjects, beaconsVerified=1),
    ]
    signed = [dump(envelope(body, [key])) for body in bodies]
    others = [
        dump(envelope(bodies[0], [stranger])),
        dump(envelope(bodies[1], [])),
        dump(bundle(envelope(bodies[2], [key]))),
        b"{}",
    ]
    return signed + others


POOL = _pool()
ENVELOPES: Mapping[str, bytes] = {sha256_digest(raw): raw for raw in POOL}

CANDIDATES = st.builds(
    lambda raw, uri, platform: Candidate(raw, "sha256:" + hashlib.sha256(raw).hexdigest(), uri, platform),
    st.sampled_from(POOL),
    st.sampled_from(["shelf:one", "shelf:two", "shelf:\u00e4\u2028"]),
    st.sampled_from([None, None, Platform("linux/amd64", CHILD), Platform("linux/arm64", digest_of("another"))]),
)
FOUND = st.builds(
    lambda candidates, gap, platforms, remark: Found(
        tuple(candidates), gap and UnavailableError(gap), tuple(platforms), None if candidates else remark
    ),
    st.lists(CANDIDATES, max_size=4),
    st.sampled_from([None, None, None, "store shelf: it answers 429"]),
    st.sampled_from([(), (), (Platform("linux/amd64", CHILD),), (Platform("linux/arm64", digest_of("another")),)]),
    st.sampled_from([None, None, "nobody looked there"]),
)


class Shelf:
    """A store that gives, and hangs, as a scene says."""

    name = "shelf"

    def __init__(self, found: Mapping[str, Found], hangs: str | None, *, remote: bool) -> None:
        self.found, self.hangs, self.remote = found, hangs, remote

    async def start(self) -> None:
        """Does nothing."""

    async def stop(self) -> None:
        """Does nothing."""

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:  # noqa: ARG002 - the protocol's
        """Gives what the scene has for the image."""
        if subject.digest == self.hangs:
            await asyncio.Event().wait()
        return self.found.get(subject.digest, Found(()))

    def gap(self) -> UnavailableError | None:
        """Knows of none."""
        return None


class Tags:
    """A registry that resolves every tag to the same, or not."""

    def __init__(self, answer: str | UnavailableError | None) -> None:
        self.answer = answer

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:  # noqa: ARG002 - as above
        """Gives the answer."""
        if isinstance(self.answer, UnavailableError):
            raise UnavailableError(self.answer.detail)
        return self.answer


@dataclass
class Scene:
    """Everything that one decision is made from."""

    policy: dict[str, Any]
    beacon: dict[str, Any]
    conditions: list[dict[str, Any]]
    disclosure: dict[str, Any]
    exempt: list[str]
    body: bytes
    environment: str
    found: Mapping[str, Found]
    tag: str | UnavailableError | None
    told: EvidenceResult
    clock: TriggerTime
    remote: bool = False
    hangs: str | None = None
    mute: bool = False
    providers: dict[str, Any] = field(default_factory=dict)

    def settings(self, folder: Path) -> Settings:
        """Writes the configuration, and loads it."""
        (folder / "staging.pub").write_bytes(ecdsa().pem)
        path = folder / "gate.json"
        path.write_text(json.dumps(self.configuration()))
        return load_settings(path)

    def configuration(self) -> dict[str, Any]:
        """The file's content."""
        return {
            "PolicyGates": {"ExecutionEvidence": {"Enabled": True, **self.policy}, "BeaconRate": self.beacon},
            "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
            "stores": {"registry": {"allow": ["registry.example.com/*"]}},
            "providers": {"env": {"allowlist": ["READY"], "allowRaw": True}, **self.providers},
            "gates": {"conditions": self.conditions},
            "disclosure": self.disclosure,
            "exemptImages": self.exempt,
        }

    async def record(self, settings: Settings) -> DecisionRecord:
        """Decides, and gives the record."""
        shelf = Shelf(self.found, self.hangs, remote=self.remote)
        providers = build_providers(settings, [shelf])
        teller = Teller(lambda _: self.told)
        if self.mute:
            teller.open.clear()
        providers["env"] = teller
        decider = Decider(settings, providers, Tags(self.tag))
        review_ = decode_review(self.body)
        seconds = 0.15 if self.hangs or self.mute else 10.0
        deadline = time.monotonic() + seconds
        decision = await decider.decide(Question(review_, self.body, self.environment, self.clock, deadline))
        return record_decision(decision, review_, settings, self.clock)


IMAGES = st.sampled_from(
    [
        SEEN,
        SEEN,
        ALSO_SEEN,
        UNSEEN,
        TAGGED,
        "redis",
        "A B",
        "",
        elsewhere("seen", "ghcr.io/vendor/app"),
        "registry.example.com/" + "c" * 1100,
        "a" * 1024,
        "registry.example.com/" + "/".join(["c" * 62] * 4) + "@" + digest_of("seen"),
    ]
)
BODIES = st.one_of(
    st.builds(lambda images: review(deployment(*images)), st.lists(IMAGES, min_size=1, max_size=4)),
    st.builds(lambda image: review(deployment(image), deployment(UNSEEN)), IMAGES),
    st.builds(lambda image: review(deployment(image), deployment(image)), IMAGES),
    st.builds(lambda image: review(deployment(image, UNSEEN), deployment(image)), IMAGES),
    st.sampled_from(
        [
            review(deployment(7)),
            review(workload("CronJob", {"containers": []})),
            review(deployment(SEEN), userInfo={"username": '\u00e4"\\\u0001\u007f\U0001f600'}, dryRun=True),
            review(None, deployment(SEEN), operation="DELETE"),
            review(deployment(SEEN), name="", namespace="", uid="u"),
        ]
    ),
)
ACTIONS = st.sampled_from(["Warn", "Block"])
POLICIES = st.fixed_dictionaries(
    {"MissingEvidenceAction": ACTIONS},
    optional={
        "Enabled": st.booleans(),
        "MinHotSymbolCount": st.integers(0, 50),
        "MinUniqueCallPaths": st.integers(0, 20),
        "EvidenceEnvironments": st.sampled_from([["staging"], ["QA", "Staging"], []]),
        "MaxEvidenceAge": st.sampled_from(["720h", "6h", "1h30m", "999999999h999999999m"]),
        "UnavailableEvidenceAction": ACTIONS,
        "MinLane": st.sampled_from(["Verified", "Asserted"]),
        "TagPolicy": st.sampled_from(["RequireDigest", "Resolve"]),
        "RequiredEnvironments": st.sampled_from([["production"], ["production", "canary"], ["qa"]]),
        "Overrides": st.just({"Canary": {"MinHotSymbolCount": 2, "TagPolicy": "Resolve"}}),
    },
)
BEACONS = st.fixed_dictionaries(
    {},
    optional={
        "Enabled": st.booleans(),
        "MissingBeaconAction": ACTIONS,
        "MinBeaconRate": st.sampled_from([0, 0.5, 1]),
    },
)
BIND = {"image_digest": "imageDigest", "repository": "repository", "environment": "environment"}
ASKING = st.sampled_from(
    [
        {"query": {"provider": "env", "check": "get", "params": {"key": "READY", "\u00e4": [1.5, 2**63]}}},
        {
            "query": {"provider": "env", "check": "get", "params": {"key": "READY"}},
            "bind": {"name": "name", "ns": "namespace"},
        },
        {"query": {"provider": "env", "check": "get"}, "bind": {"digest": "imageDigest"}},
        {"query": {"provider": "execution-evidence", "check": "hot_symbol_count"}, "bind": BIND},
        {"query": {"provider": "execution-evidence", "check": "metadata"}, "bind": BIND},
        {"query": {"provider": "execution-evidence", "check": "observed_at"}, "bind": BIND | {"wrong": "kind"}},
        {"query": {"provider": "execution-evidence", "check": "nonsense"}},
    ]
)
COMPARING = st.sampled_from(
    [
        {"comparator": "equals", "expected": "yes"},
        {"comparator": "not_equals", "expected": {"\u00fc": 1.25}},
        {"comparator": "greater_than", "expected": 1.5},
        {"comparator": "in_set", "expected": ["yes", 42]},
        {"comparator": "exists"},
        {"comparator": "not_exists"},
    ]
)
CONDITIONS = st.lists(
    st.builds(
        lambda asking, comparing, environments, action, lane: {
            **asking,
            **comparing,
            "environments": environments,
            "action": action,
            "minLane": lane,
        },
        ASKING,
        COMPARING,
        st.sampled_from([["production"], ["Production", "canary"], ["elsewhere"]]),
        ACTIONS,
        st.sampled_from(["Verified", "Asserted"]),
    ),
    max_size=3,
).map(lambda entries: [{**entry, "name": f"c{index}"} for index, entry in enumerate(entries)])
DISCLOSURES = st.sampled_from(
    [{"allowRawValues": True, "requireProviderOptIn": False}, {"allowRawValues": True, "requireProviderOptIn": True}]
)
CLOCKS = st.builds(
    lambda seconds: TriggerTime("unix_millis", unix_millis(INSTANT + timedelta(seconds=seconds))),
    st.sampled_from([0, -6 * 3600, -6 * 3600 - 301, 3600, 30 * 24 * 3600, -1]),
)
SCENES = st.builds(
    Scene,
    policy=POLICIES,
    beacon=BEACONS,
    conditions=CONDITIONS,
    disclosure=DISCLOSURES,
    exempt=st.sampled_from([[], [], ["ghcr.io/vendor/*", "docker.io/library/redis"]]),
    body=BODIES,
    environment=st.sampled_from(["production", "production", "Production", "canary", "staging"]),
    found=st.dictionaries(st.sampled_from([digest_of(name) for name in NAMES]), FOUND),
    tag=st.sampled_from([None, digest_of("seen"), UnavailableError("registry.example.com answers 429")]),
    told=st.sampled_from(
        [telling("yes"), telling(42), telling({"b": 1, "a": [2**63, 1.5]}), UNAVAILABLE, REFUSED, EvidenceResult()]
    ),
    clock=CLOCKS,
    remote=st.booleans(),
    hangs=st.sampled_from([None] * 12 + [digest_of("seen")]),
    mute=st.sampled_from([False] * 12 + [True]),
)


def candidate(raw: bytes, uri: str, platform: Platform | None = None) -> Candidate:
    return Candidate(raw, sha256_digest(raw), uri, platform)


RICH = Scene(
    policy={"MissingEvidenceAction": "Block", "TagPolicy": "Resolve", "MaxEvidenceAge": "720h"},
    beacon={"Enabled": True},
    conditions=[
        {"name": "ready", "environments": ["production"], "query": {"provider": "env", "check": "get"}}
        | {"comparator": "equals", "expected": "yes", "bind": {"ns": "namespace"}},
        {"name": "hot", "environments": ["production"], "bind": BIND, "comparator": "greater_than", "expected": 2}
        | {"query": {"provider": "execution-evidence", "check": "hot_symbol_count"}},
    ],
    disclosure={"allowRawValues": True, "requireProviderOptIn": False},
    exempt=["ghcr.io/vendor/*"],
    body=review(deployment(SEEN, ALSO_SEEN, TAGGED, "A B", f"ghcr.io/vendor/app@{digest_of('seen')}")),
    environment="production",
    found={
        digest_of("seen"): Found(
            (candidate(POOL[0], "shelf:one"), candidate(POOL[7], "shelf:beacons")),
            platforms=(Platform("linux/amd64", CHILD),),
        ),
        digest_of("also seen"): Found((candidate(POOL[1], "shelf:two"),), UnavailableError("store shelf: it hangs")),
    },
    tag=digest_of("seen"),
    told=telling("yes"),
    clock=NOW,
)
