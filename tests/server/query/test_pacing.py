"""A rate that is refused: a bucket for each caller."""

from webhook.server.query.pacing import RateLimit


class Clock:
    """Seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(8.0, 3, 8, clock)
    assert [limit.take("a") for _ in range(4)] == [None, None, None, 125]
    clock.now += 0.0625
    # Half a token is there, and the other half takes 62.5 ms.
    assert limit.take("a") == 63
    clock.now += 0.0625
    assert [limit.take("a"), limit.take("a")] == [None, 125]


def test_a_rest_fills_the_bucket_and_not_more() -> None:
    clock = Clock()
    limit = RateLimit(10.0, 2, 8, clock)
    clock.now += 3600
    assert [limit.take("a") for _ in range(3)] == [None, None, 100]


def test_callers_do_not_take_from_each_other() -> None:
    limit = RateLimit(1.0, 1, 8, Clock())
    assert [limit.take("a"), limit.take("b"), limit.take("a")] == [None, None, 1000]


def test_who_has_not_asked_for_longest_makes_room() -> None:
    limit = RateLimit(1.0, 1, 2, Clock())
    assert [limit.take(name) for name in "abab"] == [None, None, 1000, 1000]
    assert limit.take("c") is None
    assert len(limit._levels) == 2
    assert limit.take("b") == 1000
