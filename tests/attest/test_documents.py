import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.attest.made import read
from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import count_execution
from webhook.attest.counting import CALL_PATH_RULES, HOT_SYMBOL_RULES, distinct_paths, leaf_share
from webhook.attest.filters import FILTER_NAMES
from webhook.attest.reading import FORMATS
from webhook.limits import LIMITS
from webhook.model.image import ImageReference
from webhook.model.statement import PREDICATE_TYPES, ExecutionEvidence, Statement, Tracer
from webhook.reasons import ReasonCode

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "manifests" / "examples" / "profiles"
CONTRACT = (ROOT / "docs" / "contracts" / "execution-evidence-v1.md").read_text("utf-8")
REASONS = (ROOT / "docs" / "reasons.md").read_text("utf-8")


def block(language: str) -> str:
    (content,) = re.findall(rf"^```{language}\n(.*?)^```$", CONTRACT, re.DOTALL | re.MULTILINE)
    assert isinstance(content, str)
    return content


def first_cells(page: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)


def test_the_contracts_profile_gives_the_contracts_statement() -> None:
    example = json.loads(block("json"))
    observation = Observation(
        "staging",
        datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC),
        datetime(2026, 11, 24, 6, 36, 13, tzinfo=UTC),
        Tracer(name="py-spy", version="0.4.3"),
    )
    subject = example["subject"][0]
    image = ImageReference.parse(f"{subject['name']}@sha256:{subject['digest']['sha256']}")
    counted = count_execution(read(block("text")))
    assert json.loads(ExecutionEvidenceBuilder(observation).statement(counted, image)) == example


def test_the_reading_side_accepts_the_contracts_statement() -> None:
    evidence = Statement.parse(block("json").encode("utf-8")).read_predicate(ExecutionEvidence)
    assert (evidence.hot_symbol_count, evidence.unique_call_paths) == (4, 5)


def test_the_contract_lists_the_members_of_the_predicate() -> None:
    members = {field.alias: field.is_required() for field in ExecutionEvidence.model_fields.values()}
    table = re.findall(r"^\| `(\w+)` \| \w+ \| (yes|no) \|", CONTRACT, re.MULTILINE)
    assert {name: required == "yes" for name, required in table} == members


@pytest.mark.parametrize("name", [*PREDICATE_TYPES, *HOT_SYMBOL_RULES, *CALL_PATH_RULES, *FILTER_NAMES])
def test_the_contract_knows_every_predicate_type_rule_and_filter(name: str) -> None:
    assert f"`{name}`" in CONTRACT


def test_the_reasons_page_and_the_enumeration_agree() -> None:
    assert sorted(first_cells(REASONS)) == sorted(ReasonCode)


def test_the_profiles_page_tells_the_counts_that_the_rules_give() -> None:
    page = (PROFILES / "README.md").read_text("utf-8")
    for name in ("cart.folded", "cart-smoke.folded"):
        counted = count_execution(read((PROFILES / name).read_bytes()))
        counts = rf"{len(leaf_share(counted))} hot symbols?\s+and {distinct_paths(counted)} call paths?\b"
        (entry,) = re.findall(rf"^- `{re.escape(name)}`:(.*?)(?=^- |^$)", page, re.DOTALL | re.MULTILINE)
        assert re.search(counts, entry)


def test_the_contract_lists_the_formats_and_their_media_types() -> None:
    table = dict(re.findall(r"^\| `([a-z-]+)` \| `([^`]+)` \|", CONTRACT, re.MULTILINE))
    assert table == {name: form.media_type for name, form in FORMATS.items()}


def test_the_contract_names_the_limits() -> None:
    text = " ".join(CONTRACT.split())
    for limit in (
        f"{LIMITS.profile_bytes // 2**20} MiB before and after unpacking",
        f"{LIMITS.profile_stacks:,} distinct stacks".replace(",", " "),
        f"{LIMITS.profile_depth} frames in one of them and {LIMITS.profile_frames:,} in all".replace(",", " "),
        f"{LIMITS.profile_symbols:,} distinct symbols".replace(",", " "),
        f"{LIMITS.profile_line_bytes // 2**10} KiB a line or name",
        f"of pprof {LIMITS.profile_samples:,} samples".replace(",", " "),
        f"of JSON and OpenTelemetry {LIMITS.profile_values:,} values".replace(",", " "),
    ):
        assert limit in text, limit
