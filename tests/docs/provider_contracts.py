"""The providers' contracts as files of docs/contracts; `python -m tests.docs.provider_contracts` writes them anew."""

import json
import tempfile
from pathlib import Path

from tests.docs.console import ROOT
from webhook.model.contract import ProviderContract
from webhook.server.providers import build_providers
from webhook.settings.loading import load_settings

FOLDER = ROOT / "docs" / "contracts" / "providers"


def fixed_contracts() -> list[ProviderContract]:
    """Gives the contracts of all providers that a configuration can have, apart from those that follow from it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text("providers: {env: {allowlist: [DEPLOY_ENV]}}")
        providers = build_providers(load_settings(file), [])
    return [provider.contract for provider in providers.values() if provider.contract.fixed]


def text(contract: ProviderContract) -> str:
    """Gives what the file of a contract should hold."""
    return json.dumps(contract.to_json(), indent=2) + "\n"


if __name__ == "__main__":
    for entry in fixed_contracts():
        (FOLDER / f"{entry.provider_id}.json").write_text(text(entry), "utf-8")
