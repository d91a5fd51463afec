import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.asking import (
    NOW,
    STAGING,
    STRANGER,
    Shelf,
    ask,
    candidate,
    configured,
    observed,
    provider,
    signed,
)
from webhook.settings.loading import Settings

CANDIDATES = [
    signed(STAGING, uri="shelf:0"),
    signed(STAGING, uri="shelf:1", hotSymbolCount=42, uniqueCallPaths=17, note="as good"),
    signed(STAGING, uri="shelf:2", hotSymbolCount=1),
    signed(STAGING, uri="shelf:3", hotSymbolCount=1, note="as poor"),
    signed(STRANGER, uri="shelf:4"),
    signed(uri="shelf:5"),
    signed(STAGING, uri="shelf:6", environment="qa"),
    signed(STAGING, uri="shelf:7", **observed(NOW - timedelta(days=99))),
    candidate(b"{}", "shelf:8"),
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("rules")
    return configured(folder, MaxEvidenceAge="720h")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(CANDIDATES), unique_by=lambda entry: entry.uri), st.data())
def test_the_result_depends_on_what_is_found_and_not_on_where_and_when(
    rules: Settings, found: list[object], data: st.DataObject
) -> None:
    first = data.draw(st.permutations(found))
    second = data.draw(st.permutations(found))
    cut = data.draw(st.integers(0, len(found)))
    answers = [
        asyncio.run(ask(provider(rules, Shelf(*first)))),  # type: ignore[arg-type]  # hypothesis widens the elements
        asyncio.run(ask(provider(rules, Shelf(*second[:cut]), Shelf(*second[cut:])))),  # type: ignore[arg-type]  # as above
    ]
    assert answers[0].to_json() == answers[1].to_json()


async def test_a_warm_provider_answers_as_a_new_one(rules: Settings) -> None:
    shelf = Shelf()
    warm = provider(rules, shelf)
    times = [NOW, NOW + timedelta(days=60), NOW - timedelta(days=60)]
    for pair in itertools.permutations(CANDIDATES, 2):
        shelf.candidates = list(pair)
        for time in times:
            assert await ask(warm, time) == await ask(provider(rules, shelf), time)
