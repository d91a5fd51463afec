"""Configuration files as somebody writes them, and what the gate says about them."""

import json
from pathlib import Path
from typing import Any

import pytest

from webhook.errors import ConfigurationError
from webhook.settings.loading import load_settings

SEED: dict[str, Any] = {
    "PolicyGates": {
        "ExecutionEvidence": {
            "Enabled": False,
            "MissingEvidenceAction": "Warn",
            "RequiredEnvironments": ["production"],
            "MinHotSymbolCount": 3,
            "MinUniqueCallPaths": 1,
        }
    }
}
"""The section as the first seed has it."""


def written(folder: Path, content: str | bytes | dict[str, Any], name: str = "gate.yaml") -> Path:
    """Writes a configuration file; a dictionary as JSON, which is YAML too."""
    file = folder / name
    text = json.dumps(content) if isinstance(content, dict) else content
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def section(**options: Any) -> dict[str, Any]:
    """A document with these options of the gate."""
    return {"PolicyGates": {"ExecutionEvidence": options}}


def refusal(file: Path) -> list[str]:
    """The lines that refuse a file; each begins with the file's name, which is cut off."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{file}: ") for line in lines)
    return [line.removeprefix(f"{file}: ") for line in lines]


def merge_bomb(levels: int) -> str:
    """A short YAML text whose merge keys name 9^levels members."""
    lines = ["x0: &a0 {a: b}"]
    lines += [f"x{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels + 1)]
    return "\n".join(lines) + "\n"
