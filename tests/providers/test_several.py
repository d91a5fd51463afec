from tests.providers.asking import Shelf, signed
from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.errors import UnavailableError
from webhook.model.basis import Platform
from webhook.providers.several import at_once, in_turn, together
from webhook.stores.protocol import Found, ImageSubject

SUBJECT = ImageSubject(IMAGE, None)
ONE, TWO = signed(uri="one"), signed(uri="two")


def test_the_answers_of_several_stores_are_one_in_their_order() -> None:
    first, second = Platform("linux/amd64", IMAGE), Platform("linux/arm64", OTHER_IMAGE)
    gaps = [UnavailableError("first"), UnavailableError("second")]
    answers = [
        Found((ONE,), None, (first,)),
        Found((), gaps[0], (), "first"),
        Found((TWO,), gaps[1], (second,), "second"),
    ]
    assert together(answers) == Found((ONE, TWO), gaps[0], (first, second), "first")


def test_the_only_store_is_asked_without_anything_between() -> None:
    store = Shelf()
    assert in_turn([store]) is store
    assert at_once([store]) is store


async def test_no_store_finds_nothing_and_has_no_gap() -> None:
    for finder in (in_turn([]), at_once([])):
        assert await finder.find(SUBJECT) == Found(())


async def test_each_of_several_stores_is_told_how_old_an_answer_may_be() -> None:
    for combine in (in_turn, at_once):
        stores = [Shelf(ONE), Shelf(TWO)]
        assert (await combine(stores).find(SUBJECT, 3.0)).candidates == (ONE, TWO)
        assert [store.asked for store in stores] == [[(SUBJECT, 3.0)]] * 2
