"""The page about registries against the code."""

import re

import pytest

from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from tests.stores.registry.discovery.test_discovery_calls import CALLS
from webhook.limits import LIMITS
from webhook.stores.registry import store
from webhook.stores.registry.client.client import Patience
from webhook.stores.registry.transport.failure import Outcome

PAGE = (ROOT / "docs" / "registry.md").read_text("utf-8")
MEBIBYTE = 1024 * 1024


def test_every_layout_has_its_row_with_the_requests_that_it_takes() -> None:
    table = rows(section(PAGE, "## What is found"), 4)
    said = {code(layout)[0]: int(re.findall(r"(\d) for one statement", calls)[0]) for layout, _, calls, _ in table}
    assert said == {layout: sum(calls.values()) for layout, calls in CALLS.items()}


def test_every_way_to_fail_has_its_row() -> None:
    table = rows(section(PAGE, "## When it fails"), 4)
    assert {code(outcome)[0] for outcome, *_ in table} == {outcome.value for outcome in Outcome} - {"ok"}


def test_every_difference_of_the_parser_has_a_test() -> None:
    named = re.findall(r"`(test_\w+)`", section(PAGE, "## References"))
    source = (ROOT / "tests" / "model" / "test_image.py").read_text("utf-8")
    assert len(named) == 6
    for name in named:
        assert f"def {name}(" in source, name


PATIENCE = Patience()
FIGURES = {
    "### What is left out": [f"layers of more than {LIMITS.envelope_bytes // MEBIBYTE} MiB"],
    "## Platforms": [f"more than {LIMITS.platforms} platforms"],
    "## Tags": [f"serves for {store.TAG_SECONDS:.0f} s"],
    "## What is kept": [
        f"| {store.FOUND_SECONDS / 3600:.0f} h;",
        f"| {store.ERROR_SECONDS:.0f} s, or as long as the registry asks to wait",
        f"at most {LIMITS.registry_retry_after / 60:.0f} min |",
        f"At most {LIMITS.registry_cache_entries:,} look-ups are remembered",
        f"{LIMITS.registry_cache_bytes // MEBIBYTE} MiB of them with the evidence itself",
    ],
    "## When it fails": [
        f"no connection within {PATIENCE.connect:.0f} s, silence for {PATIENCE.silence:.0f} s",
        f"more than {PATIENCE.whole:.0f} s in all for one question",
        f"{LIMITS.registry_look_up_seconds:.0f} s for an image",
    ],
    "### What is odd": [
        f"{LIMITS.referrers} referrers in a list that may be evidence, {LIMITS.candidates} layers in a manifest",
        f"{LIMITS.registry_evidence_bytes // MEBIBYTE} MiB of manifests and layers for one image",
        f"{LIMITS.candidates} statements about an image",
    ],
    "## References": [f"more than {LIMITS.reference_characters:,} characters"],
}


@pytest.mark.parametrize("heading", FIGURES)
def test_the_figures_are_those_in_force(heading: str) -> None:
    text = re.sub(r"\s+", " ", section(PAGE, heading))
    for figure in FIGURES[heading]:
        assert figure in text
