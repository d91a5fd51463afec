"""How often registries are asked (case group 23)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.polling import poll_async
from tests.simulators.api_server import late, status
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import hangs
from tests.stores.registry.attached import attach, attach_by_tag, evidence
from tests.stores.registry.stored import POD, Stored, raws
from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.limits import LIMITS
from webhook.stores.fingerprint import basis_of, fingerprint_of
from webhook.stores.registry import store
from webhook.stores.registry.store import ERROR_SECONDS, FOUND_SECONDS, LookUp

ABSENT_SECONDS = 30.0
"""The default of `stores.registry.absentSeconds`."""
RETRY_AFTER = {"Retry-After": "60"}


async def test_what_is_known_takes_no_request() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        first = await stored.find()
        registry.seen.clear()
        assert await stored.find() is first
        assert not registry.seen


def nothing(_: RegistrySimulator) -> None:
    """Leaves the registry as it is."""


def statement(registry: RegistrySimulator) -> None:
    attach(registry, evidence())


def statement_about_another_image(registry: RegistrySimulator) -> None:
    attach(registry, evidence(image=OTHER_IMAGE), image=IMAGE)


def failure(registry: RegistrySimulator) -> None:
    registry.faults["referrers"].append(status(403))


def statement_and_failure(registry: RegistrySimulator) -> None:
    statement(registry)
    failure(registry)


def rate_limit(registry: RegistrySimulator) -> None:
    registry.faults["referrers"].append(status(429, RETRY_AFTER))


@pytest.mark.parametrize(
    ("prepare", "seconds"),
    [
        (statement, FOUND_SECONDS),
        (nothing, ABSENT_SECONDS),
        (statement_about_another_image, ABSENT_SECONDS),
        (failure, ERROR_SECONDS),
        (statement_and_failure, ERROR_SECONDS),
        (rate_limit, 60.0),
    ],
)
async def test_evidence_is_kept_long_absence_short_and_a_failure_shorter(
    prepare: Callable[[RegistrySimulator], None], seconds: float
) -> None:
    assert FOUND_SECONDS > ABSENT_SECONDS > ERROR_SECONDS
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        prepare(registry)
        await stored.find()
        registry.seen.clear()
        stored.now += seconds - 0.1
        await stored.find()
        assert not registry.seen
        stored.now += 0.2
        await stored.find()
        assert registry.seen


async def test_how_long_absence_is_kept_can_be_set() -> None:
    async with RegistrySimulator() as registry, Stored(registry, absentSeconds=0) as stored:
        assert not (await stored.find()).candidates
        attach(registry, evidence())
        assert (await stored.find()).candidates


async def test_who_wants_nothing_old_gets_nothing_old() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence("old"))
        await stored.find()
        attach(registry, evidence("new"))
        stored.now += 31
        assert len((await stored.find()).candidates) == 1
        assert len((await stored.find(max_age=30)).candidates) == 2


async def test_a_failure_is_never_kept_as_absence() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        registry.faults["referrers"].append(status(403))
        for _ in range(2):
            found = await stored.find()
            assert not found.candidates
            assert found.gap is not None
        stored.now += ERROR_SECONDS
        assert (await stored.find()).gap is None


async def test_a_hundred_equal_questions_at_once_are_one_look_up() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        answers = await asyncio.gather(*(stored.find() for _ in range(100)))
        assert all(answer is answers[0] for answer in answers)
        # The tag `.att`, the fallback tag and the referrer; the list; its only layer.
        assert registry.requests == {"manifest": 3, "referrers": 1, "blob": 1}


async def test_who_gives_up_stops_nobody_else() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence())
        registry.faults["referrers"].append(late(0.1, status(404)))
        hasty = asyncio.create_task(stored.find())
        patient = asyncio.create_task(stored.find())
        await poll_async(registry.is_busy, 5, "a request")
        hasty.cancel()
        assert (await patient).candidates
        assert hasty.cancelled()
        assert registry.requests["referrers"] == 1


async def test_what_was_found_after_everybody_gave_up_serves_the_next() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence())
        registry.faults["referrers"].append(late(0.1, status(404)))
        hasty = asyncio.create_task(stored.find())
        await poll_async(registry.is_busy, 5, "a request")
        hasty.cancel()
        assert (await stored.find()).candidates
        assert registry.requests["referrers"] == 1


async def test_who_has_other_keys_is_answered_by_a_look_up_of_his_own() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        await stored.find()
        registry.seen.clear()
        await stored.find(pull=POD)
        assert registry.requests["referrers"] == 1
        await stored.find(pull=POD)
        assert registry.requests["referrers"] == 1


async def test_the_same_digest_in_another_repository_is_looked_for_there() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        assert (await stored.find()).candidates
        assert not (await stored.find(repository=f"{registry.host}/shop/other")).candidates


async def test_each_question_is_told_with_its_kind_and_where_the_answer_came_from() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        await stored.find()
        await stored.find()
        await stored.find(OTHER_IMAGE)
        registry.faults["referrers"].append(status(403))
        await stored.find("sha256:" + "0" * 64)
        await stored.find(repository="evil.example/x")
        assert stored.looked_up == [
            LookUp(registry.host, "found", cached=False),
            LookUp(registry.host, "found", cached=True),
            LookUp(registry.host, "absent", cached=False),
            LookUp(registry.host, "error", cached=False),
        ]


async def test_the_first_statement_is_given_at_once_and_all_to_who_is_not_content_with_it() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        await stored.find(OTHER_IMAGE)
        attach_by_tag(registry, evidence("first"))
        attach(registry, evidence("second"))
        registry.seen.clear()
        assert raws(await stored.find()) == {evidence("first")}
        assert registry.requests == {"manifest": 1, "blob": 1}
        # However new the answer is: it is not the whole one.
        assert raws(await stored.find(max_age=30)) == {evidence("first"), evidence("second")}
        assert raws(await stored.find()) == {evidence("first"), evidence("second")}


async def test_who_joins_a_hasty_look_up_and_wants_all_gets_all() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        await stored.find(OTHER_IMAGE)
        attach_by_tag(registry, evidence("first"))
        attach(registry, evidence("second"))
        hasty, patient = await asyncio.gather(stored.find(), stored.find(max_age=30))
        assert raws(hasty) == {evidence("first")}
        assert raws(patient) == {evidence("first"), evidence("second")}


@pytest.mark.parametrize("section", [{"platforms": "any"}, {"mirrors": {"{host}": ["{host}/mirror"]}}])
async def test_with_platforms_or_mirrors_everything_is_asked_for(section: dict[str, Any]) -> None:
    async with RegistrySimulator() as registry:
        mirrors = {
            key.format(host=registry.host): [one.format(host=registry.host) for one in value]
            for key, value in section.get("mirrors", {}).items()
        }
        async with Stored(registry, **section | {"mirrors": mirrors}) as stored:
            attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
            await stored.find(OTHER_IMAGE)
            attach_by_tag(registry, evidence("first"))
            attach(registry, evidence("second"))
            assert raws(await stored.find()) == {evidence("first"), evidence("second")}


async def test_of_what_there_is_no_room_for_the_fingerprint_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMITS", replace(LIMITS, registry_cache_bytes=1))
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        whole = await stored.find()
        registry.seen.clear()
        rest = await stored.find()
        assert (rest.candidates, rest.gap, rest.fingerprint) == ((), None, fingerprint_of(basis_of(whole)))
        assert not registry.seen
        assert stored.looked_up[-1] == LookUp(registry.host, "found", cached=True)
        stored.now += 1
        assert await stored.find(max_age=0) == whole


async def test_the_fingerprint_of_a_first_statement_is_not_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMITS", replace(LIMITS, registry_cache_bytes=1))
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        await stored.find(OTHER_IMAGE)
        attach_by_tag(registry, evidence("first"))
        attach(registry, evidence("second"))
        await stored.find()
        assert raws(await stored.find(max_age=30)) == {evidence("first"), evidence("second")}


async def test_a_store_that_was_stopped_holds_nothing_and_asks_nobody() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence())
        await stored.find()
        registry.faults["referrers"].append(hangs())
        waiting = asyncio.create_task(stored.find(OTHER_IMAGE))
        await poll_async(registry.is_busy, 5, "a request")
        await stored.store.stop()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await poll_async(registry.is_idle, 5, "no request")
        assert len(stored.store._answers) == 0
