"""Lists that cannot be written, or are none: whatever stands there stays."""

from collections.abc import Callable

import pytest

from tests.publish.making import PATH
from tests.publish.shelf import Scene, Shelf
from tests.simulators.registry import INDEX, MANIFEST
from tests.simulators.registry_writes import answers_status
from webhook.publish.registry import Layout
from webhook.stores.registry.transport.failure import RegistryError

LAYOUTS = pytest.mark.parametrize("layout", Layout)


@LAYOUTS
async def test_a_registry_that_misunderstands_conditions_is_asked_without(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    shelf.registry.tag_puts += [answers_status(412), answers_status(412)]
    own = await shelf.push()
    assert shelf.digests() == [own]


@LAYOUTS
async def test_a_tag_that_may_not_be_changed_is_said_to_be_so(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    theirs = shelf.foreign("one")
    shelf.put(theirs)
    shelf.registry.immutable = True
    with pytest.raises(RegistryError, match=rf"does not let the tag {shelf.tag} be written .* it may be immutable"):
        await shelf.push()
    assert shelf.digests() == [theirs["digest"]]


WRONG: dict[str, Callable[[Shelf], None]] = {
    "another type": lambda shelf: shelf.put(mediaType="application/vnd.oci.image.layout.v1+json"),
    "the other layout's type": lambda shelf: shelf.put(mediaType=MANIFEST if shelf.kind == INDEX else INDEX),
    "entries that are none": lambda shelf: shelf.put(**{shelf.member: [1]}),
    "a name in the wrong case": lambda shelf: shelf.put(**{shelf.member.capitalize(): []}),
}


@LAYOUTS
@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_no_list_is_left_as_it_is(scene: Scene, layout: Layout, wrong: str) -> None:
    shelf = Shelf(scene, layout)
    WRONG[wrong](shelf)
    before = shelf.registry.tags[PATH, shelf.tag]
    with pytest.raises(RegistryError, match=rf"the tag {shelf.tag} in .* was left as it is"):
        await shelf.push()
    assert shelf.registry.tags[PATH, shelf.tag] == before


@LAYOUTS
async def test_a_list_that_is_full_is_left_as_it_is(scene: Scene, layout: Layout) -> None:
    shelf = Shelf(scene, layout)
    # 4 MiB less what a list, but not another entry, needs.
    shelf.put({"digest": "sha256:" + "0" * 64, "fill": "x" * (4 * 1024 * 1024 - 400)})
    before = shelf.registry.tags[PATH, shelf.tag]
    with pytest.raises(RegistryError, match="the list would be larger than 4194304 bytes"):
        await shelf.push()
    assert shelf.registry.tags[PATH, shelf.tag] == before
