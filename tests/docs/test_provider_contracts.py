"""The contracts in docs/contracts are those of the code."""

import pytest

from tests.docs.provider_contracts import FOLDER, fixed_contracts, text
from tests.docs.tables import code, section
from webhook.model.contract import ProviderContract

CONTRACTS = fixed_contracts()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.provider_id)
def test_the_file_is_the_contract(contract: ProviderContract) -> None:
    written = (FOLDER / f"{contract.provider_id}.json").read_text("utf-8")
    assert written == text(contract), "run: python -m tests.docs.provider_contracts"


def test_every_provider_has_a_file_and_no_other_has() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {contract.provider_id for contract in CONTRACTS}


def test_the_page_of_the_predicate_names_every_key_and_check() -> None:
    page = (FOLDER.parent / "execution-evidence-v1.md").read_text("utf-8")
    told = set(code(section(page, "## What can be asked about it")))
    (contract,) = (entry for entry in CONTRACTS if entry.provider_id == "execution-evidence")
    keys = set(contract.checks[0].result_schema["properties"])
    assert keys | {check.check_id for check in contract.checks} <= told
