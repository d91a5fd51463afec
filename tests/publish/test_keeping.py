"""An entry is kept in a list that others write too, whatever they do at the worst moment."""

import asyncio
import json
import random
import time

import pytest
from aiohttp import web

from tests.publish.making import PATH
from tests.publish.shelf import Scene, Shelf
from tests.simulators.registry import MANIFEST
from webhook.publish.access import Pace
from webhook.publish.registry import Layout

LAYOUTS = pytest.mark.parametrize("layout", Layout)


@LAYOUTS
async def test_what_others_have_listed_stays_as_it_is(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    theirs = [shelf.foreign("one"), shelf.foreign("two")]
    shelf.put(*theirs, annotations={"of": "the list"})
    own = await shelf.push()
    assert sorted(map(str, shelf.digests())) == sorted([own, *(str(entry["digest"]) for entry in theirs)])
    assert all(entry in shelf.entries() for entry in theirs)
    raw = shelf.registry.manifests[PATH, shelf.registry.tags[PATH, shelf.tag]][1]
    assert json.loads(raw)["annotations"] == {"of": "the list"}


@LAYOUTS
async def test_the_same_evidence_again_writes_nothing(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    own = await shelf.push()
    before = (dict(shelf.registry.tags), shelf.writes())
    reads = shelf.reads()
    assert await shelf.push() == own
    assert (dict(shelf.registry.tags), shelf.writes()) == before
    # Nobody has to wait for what stands there already.
    assert shelf.reads() == reads + 1
    assert shelf.digests() == [own]


@LAYOUTS
async def test_an_entry_that_another_writer_has_lost_is_written_again(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    theirs = shelf.foreign("stale")
    # As a tool does that has read the list before we wrote ours.
    shelf.registry.afterwards.append(lambda: shelf.put(theirs))
    own = await shelf.push()
    assert sorted(map(str, shelf.digests())) == sorted([str(theirs["digest"]), own])


@LAYOUTS
async def test_an_entry_that_is_lost_after_it_was_seen_is_written_again(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    theirs = shelf.foreign("stale")

    def overwrite() -> None:
        """After the look at what we have written, which has found our entry."""
        shelf.registry.looks.append(lambda: shelf.put(theirs))

    shelf.registry.afterwards.append(overwrite)
    own = await shelf.push(pace=Pace(whole=10.0, quiet=0.5))
    assert sorted(map(str, shelf.digests())) == sorted([str(theirs["digest"]), own])


@LAYOUTS
async def test_a_write_that_failed_is_not_repeated_as_it_was(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    theirs = shelf.foreign("meanwhile")

    async def fail(_: web.Request) -> web.StreamResponse:
        """While we wait, somebody else writes."""
        shelf.put(theirs)
        return web.Response(status=503)

    shelf.registry.tag_puts.append(fail)
    own = await shelf.push()
    assert sorted(map(str, shelf.digests())) == sorted([str(theirs["digest"]), own])


async def test_entries_to_put_back_are_looked_for_once_and_not_over_and_over(scene: Scene) -> None:
    shelf = Shelf(scene, Layout.REFERRER)
    seen = [shelf.foreign(str(number)) for number in range(6)]
    shelf.put(*seen)

    async def slow(request: web.Request) -> web.StreamResponse:
        """Looking for one takes so long that what was read is no longer fresh."""
        await asyncio.sleep(0.2)
        return await shelf.registry._get_manifest(request)

    def lose() -> None:
        shelf.registry.faults["manifest"] += [slow] * 7
        shelf.registry.tags.pop((PATH, shelf.tag))
        shelf.put()

    shelf.registry.afterwards.append(lose)
    own = await shelf.push(pace=Pace(whole=10.0, quiet=0.2, fresh=0.5))
    assert sorted(map(str, shelf.digests())) == sorted([own, *(str(entry["digest"]) for entry in seen)])
    asked = [path.rpartition("/")[2] for path in shelf.registry.written("GET")]
    assert [asked.count(str(entry["digest"])) for entry in seen] == [1] * len(seen)


@LAYOUTS
async def test_nobody_goes_while_the_list_still_changes(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    more = [shelf.foreign(str(number)) for number in range(8)]

    def change() -> None:
        """After each look; a wait is a quarter to a half of the quiet time."""
        if more:
            shelf.put(*shelf.entries(), more.pop())
            shelf.registry.looks.append(change)

    shelf.registry.afterwards.append(lambda: shelf.registry.looks.append(change))
    own = await shelf.push()
    assert not more
    assert own in shelf.digests()
    assert len(shelf.digests()) == 9


@LAYOUTS
async def test_a_weak_validator_is_no_condition(scene: Scene, layout: Layout) -> None:
    # RFC 9110, section 13.1.1: `If-Match` compares strongly, and a weak one is never the same.
    shelf = Shelf(scene, layout)
    shelf.put(shelf.foreign("one"))
    shelf.registry.etag = 'W/"{}"'
    await shelf.push()
    sent = [seen.headers for seen in shelf.registry.seen if seen.path.endswith(shelf.tag) and seen.method == "PUT"]
    assert [("if-match" in headers, "if-none-match" in headers) for headers in sent] == [(False, False)]


@LAYOUTS
async def test_entries_of_others_that_vanish_while_we_look_are_put_back(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    seen, late = shelf.foreign("seen"), shelf.foreign("late")
    shelf.put(seen)
    shelf.registry.afterwards.append(lambda: shelf.put(late))
    own = await shelf.push()
    assert sorted(map(str, shelf.digests())) == sorted([str(seen["digest"]), str(late["digest"]), own])


async def test_an_entry_whose_manifest_was_deleted_is_not_put_back(scene: Scene) -> None:
    shelf = Shelf(scene, Layout.REFERRER)
    deleted, kept = shelf.foreign("deleted"), shelf.foreign("kept")
    shelf.put(deleted, kept)

    def delete() -> None:
        del shelf.registry.manifests[PATH, str(deleted["digest"])]
        shelf.put(kept)

    shelf.registry.afterwards.append(delete)
    own = await shelf.push()
    assert sorted(map(str, shelf.digests())) == sorted([str(kept["digest"]), own])


@LAYOUTS
async def test_a_list_that_was_deleted_as_a_whole_is_begun_anew(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    shelf.put(shelf.foreign("one"))
    shelf.registry.afterwards.append(shelf.registry.tags.clear)
    own = await shelf.push()
    assert shelf.digests() == [own]


@LAYOUTS
async def test_who_writes_between_reading_and_writing_loses_nothing_where_conditions_are_heeded(
    scene: Scene, layout: Layout
) -> None:
    shelf = Shelf(scene, layout)
    shelf.registry.heeds = True
    first, second = shelf.foreign("first"), shelf.foreign("second")
    shelf.registry.between += [lambda: shelf.put(first), lambda: shelf.put(first, second)]
    own = await shelf.push()
    assert sorted(map(str, shelf.digests())) == sorted([str(first["digest"]), str(second["digest"]), own])


@LAYOUTS
async def test_the_list_is_read_right_before_it_is_written(scene: Scene, layout: Layout) -> None:
    # What lies in between is a gap through which others' entries are lost.
    shelf = Shelf(scene, layout)
    await shelf.push()
    asked = [(seen.method, seen.path) for seen in shelf.registry.seen]
    path = f"/v2/{PATH}/manifests/{shelf.tag}"
    assert asked[asked.index(("PUT", path)) - 1] == ("GET", path)


@LAYOUTS
@pytest.mark.parametrize(("fresh", "more"), [(5.0, 0), (-1.0, 3)], ids=["fresh", "never fresh"])
async def test_what_was_read_long_ago_is_read_again_before_it_is_written(
    scene: Scene, layout: Layout, fresh: float, more: int
) -> None:
    shelf = Shelf(scene, layout)
    looked: list[int] = []
    shelf.registry.between.append(lambda: looked.append(shelf.reads()))
    own = await shelf.push(pace=Pace(whole=10.0, quiet=0.2, fresh=fresh))
    # Once, once more since the layout `cosign` needs a config first, and three times if nothing is ever fresh: then
    # whoever is so slow writes all the same, and waits longer.
    assert looked == [(2 if layout is Layout.COSIGN else 1) + more]
    assert shelf.digests() == [own]


async def test_who_writes_slowly_waits_longer(scene: Scene) -> None:
    shelf = Shelf(scene, Layout.REFERRER)

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return await shelf.registry._put_manifest(request)

    shelf.registry.tag_puts.append(slow)
    begun = time.monotonic()
    await shelf.push()
    # Half a second to write, and twice as long to see that it stays.
    assert time.monotonic() - begun >= 0.5 + 2 * 0.5


async def test_a_list_of_megabytes_is_kept_too(scene: Scene) -> None:
    shelf = Shelf(scene, Layout.REFERRER)
    fill = {"mediaType": MANIFEST, "size": 1, "x": "y" * 100}
    shelf.put(*({**fill, "digest": f"sha256:{n:064x}"} for n in range(12_000)))
    own = await shelf.push(pace=Pace(whole=60.0, quiet=0.2))
    assert own in shelf.digests()
    assert len(shelf.digests()) == 12_001


@LAYOUTS
@pytest.mark.parametrize("heeds", [True, False])
async def test_twelve_at_once_are_all_listed(scene: Scene, layout: Layout, *, heeds: bool) -> None:
    shelf = Shelf(scene, layout)
    shelf.registry.heeds = heeds
    theirs = shelf.foreign("before")
    shelf.put(theirs)
    names = [str(number) for number in range(12)]
    random.shuffle(names)
    pushed = await asyncio.gather(*(shelf.push(name, Pace(whole=30.0, quiet=0.5)) for name in names))
    assert len(set(pushed)) == 12
    assert sorted(map(str, shelf.digests())) == sorted([str(theirs["digest"]), *pushed])


@LAYOUTS
async def test_the_same_evidence_from_many_at_once_is_listed_once(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    pushed = await asyncio.gather(*(shelf.push() for _ in range(6)))
    assert shelf.digests() == [pushed[0]]


async def test_the_config_of_an_attestation_manifest_has_its_layers(scene: Scene) -> None:
    # Image specification 1.1, config.md: `rootfs.diff_ids` are the layers' digests, first to last.
    shelf = Shelf(scene, Layout.COSIGN)
    shelf.put(shelf.foreign("one"), config={"mediaType": "application/vnd.x+json", "digest": "x", "size": 1})
    await shelf.push()
    manifest = json.loads(shelf.registry.manifests[PATH, shelf.registry.tags[PATH, shelf.tag]][1])
    assert manifest["config"]["mediaType"] == "application/vnd.x+json"
    config = json.loads(shelf.registry.blobs[PATH, manifest["config"]["digest"]])
    assert config["rootfs"] == {"type": "layers", "diff_ids": [entry["digest"] for entry in manifest["layers"]]}
