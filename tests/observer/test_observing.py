"""What becomes of an image: attested once its evidence suffices, and else left alone, for a reason that is told."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.attest.signing.making import signed_envelope
from tests.harness.evidence import Signer, statement
from tests.observer.making import NOW, PLACE, REPOSITORY, digest, run
from tests.observer.test_subjects import AMD, ONE
from tests.observer.watching import BUSY, GATE, IDLE, Answer, Profiles, Shelf, Watcher
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.image import ImageReference
from webhook.model.timestamp import format_rfc3339
from webhook.observer import observing
from webhook.observer.images import Outcome, Report
from webhook.observer.running import Place, Run, Window
from webhook.observer.sources.protocol import ProfileUnusableError
from webhook.trust.verify import verify

DIGEST = digest("cart")
CART = ("cart-0", "cart")
FLAT = b"".join(b"main;work;step%d 10\n" % number for number in range(20))
"""Twenty hot symbols that have a twentieth each, so that few containers do not make up for many."""
BEGIN = NOW.replace(microsecond=0)
"""Whole seconds that 6 divides: the first image comes first."""
DOWN = UnavailableError("the profile server does not answer")
RUBBISH = ProfileUnusableError("the profile server answers with a profile that cannot be used")


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    return Watcher.over(tmp_path)


async def the_report(watcher: Watcher, answer: Answer = BUSY, **changes: Any) -> Report:
    [report] = await watcher.observe(Profiles({CART: answer}), [run(**changes)], NOW)
    return report


def gate(**policy: Any) -> dict[str, Any]:
    section = GATE["PolicyGates"]["ExecutionEvidence"] | policy
    return GATE | {"PolicyGates": {"ExecutionEvidence": section}}


async def test_what_suffices_is_attested_about_the_digest_that_ran(watcher: Watcher) -> None:
    report = await the_report(watcher)
    assert (report.outcome, report.detail) == (Outcome.ATTESTED, "shelf 1")
    assert (report.containers, report.counted, report.hot_symbols, report.call_paths) == (1, 200, 5, 5)
    [evidence] = watcher.shelf.published
    assert evidence.digests == (DIGEST,)
    statement = verify(evidence.envelope or b"", DIGEST, REPOSITORY, watcher.settings.gate.trust)
    assert statement.signers == ("observer",)
    [predicate] = watcher.shelf.predicates
    assert predicate["environment"] == "staging"
    assert predicate["observedFrom"] == "2026-11-28T11:30:00Z"
    assert predicate["observedUntil"] == "2026-11-28T12:00:00Z"
    assert (predicate["hotSymbolCount"], predicate["uniqueCallPaths"]) == (5, 5)
    assert predicate["tracer"] == {"name": "pyroscope"}


async def test_the_server_is_asked_about_the_container_while_it_ran(watcher: Watcher) -> None:
    source = Profiles({CART: BUSY})
    await watcher.observe(source, [run()], NOW)
    [(asked, start, end)] = source.asked
    assert (asked.namespace, asked.pod, asked.container) == ("shop-staging", "cart-0", "cart")
    assert Window(start, end) == run().window


async def test_replicas_are_one_observation_from_the_first_to_the_last(watcher: Watcher) -> None:
    earlier = Window(NOW - timedelta(minutes=50), NOW - timedelta(minutes=20))
    source = Profiles({CART: b"main;a 30\n", ("cart-1", "cart"): b"main;a 10\nmain;b 30\n", ("cart-2", "cart"): None})
    runs = [run(pod=f"cart-{number}", window=earlier if number else run().window) for number in range(3)]
    await watcher.observe(source, [*runs, run(pod="cart-3", container="cart")], NOW)
    assert watcher.shelf.published == []
    source.answers = {**source.answers, ("cart-3", "cart"): b"main;c 30\n"}
    [report] = await watcher.observe(source, [*runs, run(pod="cart-3")], NOW)
    assert (report.outcome, report.containers, report.counted) == (Outcome.ATTESTED, 3, 100)
    [predicate] = watcher.shelf.predicates
    assert (predicate["observedFrom"], predicate["observedUntil"]) == ("2026-11-28T11:10:00Z", "2026-11-28T12:00:00Z")
    assert (predicate["hotSymbolCount"], predicate["uniqueCallPaths"]) == (3, 3)
    assert len(predicate["profiles"]) == 3


INSUFFICIENT = "Execution evidence trace quality is insufficient: "
BELOW: list[tuple[Answer, str]] = [
    (None, "the server has no profiles"),
    (IDLE, f"{INSUFFICIENT}hot symbols 0 < 3 or call paths 0 < 1"),
    (b"main;a 50\nmain;b 50\n", f"{INSUFFICIENT}hot symbols 2 < 3 or call paths 2 < 1"),
]


@pytest.mark.parametrize(("answer", "detail"), BELOW)
async def test_what_the_gate_would_deny_is_not_attested(watcher: Watcher, answer: Answer, detail: str) -> None:
    report = await the_report(watcher, answer)
    assert (report.outcome, report.detail) == (Outcome.BELOW, detail)
    assert watcher.shelf.published == []


async def test_the_thresholds_are_those_of_the_gate(tmp_path: Path) -> None:
    report = await the_report(Watcher.over(tmp_path, gate(MinHotSymbolCount=6)))
    assert report.outcome is Outcome.BELOW
    # Sufficient for one environment that has none is enough.
    both = gate(
        MinHotSymbolCount=6,
        RequiredEnvironments=["production", "canary"],
        Overrides={"canary": {"MinHotSymbolCount": 5}},
    )
    assert (await the_report(Watcher.over(tmp_path, both))).outcome is Outcome.ATTESTED
    # It does not become new evidence each time because the other one still lacks some.
    assert (await the_report(Watcher.over(tmp_path, both))).outcome is Outcome.BELOW


async def test_an_image_with_young_evidence_is_left_alone(watcher: Watcher) -> None:
    await the_report(watcher)
    source = Profiles({CART: BUSY})
    [report] = await watcher.observe(source, [run()], NOW + timedelta(hours=23))
    assert (report.outcome, source.asked) == (Outcome.FRESH, [])
    assert len(watcher.shelf.published) == 1


async def test_evidence_is_made_anew_before_it_is_too_old(watcher: Watcher) -> None:
    await the_report(watcher)
    later = NOW + timedelta(hours=24, seconds=1)
    [report] = await watcher.observe(Profiles({CART: BUSY}), [run(window=Window(NOW, later))], later)
    assert report.outcome is Outcome.ATTESTED
    # The newer one counts from now on, although the older one suffices for the gate.
    [report] = await watcher.observe(Profiles({CART: BUSY}), [run()], later + timedelta(hours=1))
    assert report.outcome is Outcome.FRESH


async def test_evidence_of_a_stranger_keeps_nothing_from_being_attested(tmp_path: Path) -> None:
    # Not even where the gate, for trying out, believes anybody.
    watcher = Watcher.over(tmp_path, gate(MinLane="Asserted"))
    content = statement(DIGEST, observedUntil=format_rfc3339(NOW))
    (tmp_path / "evidence" / "stranger.json").write_text(Signer.new().sign(content))
    assert (await the_report(watcher)).outcome is Outcome.ATTESTED


@pytest.mark.parametrize("keyless", [False, True])
async def test_what_the_gate_would_not_count_is_not_published(watcher: Watcher, *, keyless: bool) -> None:
    watcher.owner, watcher.keyless = "stranger", keyless
    report = await the_report(watcher)
    assert report.outcome is Outcome.REFUSED
    assert report.detail == "the gate would not count it: signed by no key that is trusted"
    assert watcher.shelf.published == []


BOUNDS: list[dict[str, Any]] = [
    {"environments": ["integration"]},
    {"repositories": ["registry.example.com/other/*"]},
]


@pytest.mark.parametrize("bound", BOUNDS)
async def test_a_key_s_bounds_hold_for_the_observer_too(tmp_path: Path, bound: dict[str, Any]) -> None:
    key = {"name": "observer", "file": "observer.pub", **bound}
    watcher = Watcher.over(tmp_path, GATE | {"trust": {"keys": [key]}})
    report = await the_report(watcher)
    assert (report.outcome, watcher.shelf.published) == (Outcome.REFUSED, [])


async def test_an_image_that_needs_no_evidence_gets_none(tmp_path: Path) -> None:
    watcher = Watcher.over(tmp_path, GATE | {"exemptImages": ["registry.example.com/shop/*"]})
    source = Profiles({CART: BUSY})
    [report] = await watcher.observe(source, [run()], NOW)
    assert (report.outcome, source.asked, watcher.shelf.published) == (Outcome.EXEMPT, [], [])


async def test_a_dry_run_says_what_would_be_attested(watcher: Watcher) -> None:
    watcher.look_only = True
    assert (await the_report(watcher)).outcome is Outcome.WOULD_ATTEST
    assert watcher.shelf.published == []


async def test_profiles_that_belong_to_several_containers_are_nobody_s(watcher: Watcher) -> None:
    mixed = Profiles({CART: BUSY}, tells_containers=False)
    [report] = await watcher.observe(mixed, [run(alone=False)], NOW)
    assert (report.outcome, mixed.asked) == (Outcome.LEFT_OUT, [])
    [report] = await watcher.observe(mixed, [run(alone=False), run(pod="cart-1")], NOW)
    assert [asked.pod for asked, _, _ in mixed.asked] == ["cart-1"]
    [report] = await watcher.observe(mixed, [run(alone=True)], NOW)
    assert report.outcome is Outcome.ATTESTED


def others(count: int) -> list[Run]:
    names = [f"image-{number}" for number in range(count)]
    images = [ImageReference.parse(f"{REPOSITORY}/{name}@{digest(name)}") for name in names]
    return [run(pod=name, image=image) for name, image in zip(names, images, strict=True)]


async def test_one_image_s_failure_keeps_no_other_from_being_attested(watcher: Watcher) -> None:
    source = Profiles({("image-0", "cart"): DOWN, ("image-1", "cart"): BUSY, ("image-2", "cart"): BUSY})
    reports = await watcher.observe(source, others(3), NOW)
    assert [report.outcome for report in reports] == [Outcome.UNKNOWN, Outcome.ATTESTED, Outcome.ATTESTED]
    assert reports[0].detail == f"1 of 1 containers could not be read: {DOWN.detail}"


async def test_a_server_that_is_down_is_not_asked_about_every_image(watcher: Watcher) -> None:
    names = [f"image-{number}" for number in range(6)]
    source = Profiles({(name, "cart"): DOWN for name in names})
    reports = await watcher.observe(source, others(6), BEGIN)
    assert {report.outcome for report in reports} == {Outcome.UNKNOWN}
    assert len(source.asked) == 3
    assert reports[-1].detail == "the profile server gave no answer about 3 images before"


async def test_a_container_s_failure_makes_the_evidence_smaller_and_is_told(watcher: Watcher) -> None:
    source = Profiles({CART: BUSY, ("cart-1", "cart"): DOWN})
    [report] = await watcher.observe(source, [run(), run(pod="cart-1")], NOW)
    assert (report.outcome, report.containers) == (Outcome.ATTESTED, 1)
    assert report.detail == f"shelf 1; 1 of 2 containers could not be read: {DOWN.detail}"


def replicas(count: int) -> list[Run]:
    return [run(pod=f"cart-{number:03}") for number in range(count)]


def of_replicas(count: int, answer: Answer) -> dict[tuple[str, str], Answer]:
    return {(made.pod, made.container): answer for made in replicas(count)}


async def test_a_server_that_is_slow_gets_a_share_of_the_time_and_what_it_gave_is_judged(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "IMAGE_SECONDS", 1.5)
    source = Profiles(of_replicas(64, FLAT), hangs_after=6)
    [report] = await watcher.observe(source, replicas(64), NOW)
    assert (report.outcome, report.containers, report.counted) == (Outcome.ATTESTED, 6, 1200)
    assert report.detail == "shelf 1; the time for asking was up after 6 of 64 containers"


async def test_the_share_is_one_of_what_is_left_of_the_run(watcher: Watcher) -> None:
    source = Profiles(of_replicas(64, FLAT), hangs_after=6)
    async with asyncio.timeout(30):
        [report] = await watcher.observe(source, replicas(64), NOW, seconds=1.5)
    assert (report.outcome, report.containers) == (Outcome.ATTESTED, 6)


async def test_containers_without_profiles_hide_no_others(watcher: Watcher) -> None:
    # As many as a predicate can name, all of which come first by their names.
    runs = [*replicas(LIMITS.profile_sources), run(pod="z-0")]
    [report] = await watcher.observe(Profiles({("z-0", "cart"): BUSY}), runs, NOW)
    assert (report.outcome, report.containers) == (Outcome.ATTESTED, 1)


async def test_what_one_pod_s_profile_is_like_keeps_no_other_pod_from_being_asked(watcher: Watcher) -> None:
    runs = [run(pod="bad-0"), *replicas(8)]
    source = Profiles({("bad-0", "cart"): RUBBISH, ("cart-007", "cart"): BUSY})
    [report] = await watcher.observe(source, runs, NOW)
    assert (report.outcome, report.containers) == (Outcome.ATTESTED, 1)
    assert report.detail == f"shelf 1; 1 of 9 containers could not be read: {RUBBISH.detail}"


async def test_what_profiles_are_like_says_nothing_about_the_server(watcher: Watcher) -> None:
    source = Profiles({(f"image-{number}", "cart"): RUBBISH for number in range(5)} | {("image-5", "cart"): BUSY})
    reports = await watcher.observe(source, others(6), BEGIN)
    assert [report.outcome for report in reports] == [*[Outcome.UNKNOWN] * 5, Outcome.ATTESTED]
    assert {report.detail for report in reports[:5]} == {f"1 of 1 containers could not be read: {RUBBISH.detail}"}


async def test_an_image_is_asked_about_in_another_order_each_time(watcher: Watcher) -> None:
    watcher.look_only = True
    begun = set()
    for milliseconds in range(20):
        source = Profiles({})
        await watcher.observe(source, replicas(5), NOW + timedelta(milliseconds=milliseconds))
        begun.add(source.asked[0][0].pod)
    assert begun == {made.pod for made in replicas(5)}


async def test_evidence_that_cannot_be_brought_anywhere_is_tried_again(watcher: Watcher) -> None:
    watcher.shelf.failure = "the registry hangs"
    report = await the_report(watcher)
    assert (report.outcome, report.detail) == (Outcome.UNKNOWN, "the registry hangs")
    watcher.shelf.failure = None
    assert (await the_report(watcher)).outcome is Outcome.ATTESTED


async def test_a_place_that_fails_keeps_evidence_from_no_other(watcher: Watcher, tmp_path: Path) -> None:
    watcher.before = [Shelf(tmp_path, failure="the registry hangs")]
    report = await the_report(watcher)
    assert (report.outcome, report.detail) == (Outcome.UNKNOWN, "the registry hangs; it lies in shelf 1")
    # The gate finds it, so it does not become more each time.
    assert (await the_report(watcher)).outcome is Outcome.FRESH


class OnePlatform:
    """A registry in which what runs is an index of one platform."""

    async def manifest(self, repository: str, digest: str) -> bytes | None:
        assert (repository, digest) == (REPOSITORY, sha256_digest(ONE))
        return ONE


async def test_what_has_evidence_gets_no_more_while_another_digest_of_it_lacks_some(
    watcher: Watcher, tmp_path: Path
) -> None:
    watcher.reader = OnePlatform()
    image = ImageReference.parse(f"{REPOSITORY}@{sha256_digest(ONE)}")
    content = statement(sha256_digest(AMD), observedUntil=format_rfc3339(NOW))
    envelope = signed_envelope(json.dumps(content).encode(), owner="observer")
    (tmp_path / "evidence" / "of-the-platform.json").write_bytes(envelope)
    report = await the_report(watcher, image=image)
    assert (report.outcome, report.digests) == (Outcome.ATTESTED, tuple(sorted(map(sha256_digest, (ONE, AMD)))))
    assert watcher.shelf.wanted == [(sha256_digest(ONE),)]
    # It is about both all the same.
    assert watcher.shelf.published[0].digests == report.digests


async def test_when_the_time_is_over_the_rest_is_unknown(watcher: Watcher) -> None:
    source = Profiles({CART: BUSY})
    [report] = await watcher.observe(source, [run()], NOW, seconds=0)
    assert (report.outcome, source.asked) == (Outcome.UNKNOWN, [])
    assert report.detail == "the run's time was over; see timeoutSeconds"


async def test_another_environment_is_another_image(tmp_path: Path) -> None:
    policy = gate(EvidenceEnvironments=["staging", "integration"])
    trusted = {"trust": {"keys": [{"name": "observer", "file": "observer.pub"}]}}
    watcher = Watcher.over(tmp_path, policy | trusted, environments=["staging", "integration"])
    watcher.look_only = True
    places = [Place("shop-staging", "staging"), Place("shop-integration", "integration")]
    reports = await watcher.observe(Profiles({CART: BUSY}), [run(place=place) for place in places], NOW)
    found = [(report.watched.environment, report.outcome) for report in reports]
    assert found == [("integration", Outcome.WOULD_ATTEST), ("staging", Outcome.WOULD_ATTEST)]


async def test_the_order_of_pods_changes_nothing(watcher: Watcher) -> None:
    watcher.look_only = True
    runs = [*others(3), run(), run(pod="cart-1", place=PLACE)]
    source = Profiles({CART: BUSY, ("cart-1", "cart"): b"main;x 10\n"})
    assert await watcher.observe(source, runs, NOW) == await watcher.observe(source, runs[::-1], NOW)


async def test_a_server_that_answers_again_is_asked_on(watcher: Watcher) -> None:
    names = [f"image-{number}" for number in range(6)]
    source = Profiles({(name, "cart"): DOWN for name in names if name != "image-2"} | {("image-2", "cart"): BUSY})
    reports = await watcher.observe(source, others(6), BEGIN)
    assert [report.outcome is Outcome.UNKNOWN for report in reports] == [True, True, False, True, True, True]
    assert len(source.asked) == 6


async def test_an_image_about_which_the_server_hangs_takes_no_more_than_its_time(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "IMAGE_SECONDS", 0.2)
    source = Profiles({("image-1", "cart"): BUSY}, hangs_about="image-0")
    reports = await watcher.observe(source, others(2), NOW)
    assert [(report.outcome, report.detail) for report in reports] == [
        (Outcome.UNKNOWN, "the time for asking was up after 0 of 1 containers"),
        (Outcome.ATTESTED, "shelf 1"),
    ]


async def test_each_run_begins_elsewhere_and_reports_in_order(watcher: Watcher) -> None:
    watcher.look_only = True
    begun = set()
    for milliseconds in range(3):
        source = Profiles({(f"image-{number}", "cart"): BUSY for number in range(3)})
        reports = await watcher.observe(source, others(3), NOW + timedelta(milliseconds=milliseconds))
        assert [report.watched.runs[0].pod for report in reports] == ["image-0", "image-1", "image-2"]
        begun.add(source.asked[0][0].pod)
    assert begun == {"image-0", "image-1", "image-2"}
