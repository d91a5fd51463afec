"""The libraries of the extra `keyless`: loaded only where identities are trusted, and missed with a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators.sigstore import root_bytes
from tests.support.envelopes import dump
from tests.trust.keyless_cases import BODY, WORLD

HEAVY = ("sigstore", "re2", "rfc3161_client", "tuf", "requests")

WITHOUT = f"""
import sys
from pathlib import Path
from webhook.settings.loading import load_settings
from webhook.trust.verify import open_assertion, subject_digests, verify
from webhook.errors import UntrustedError
import webhook.server.run
settings = load_settings(Path(sys.argv[1]))
raw = Path(sys.argv[2]).read_bytes()
subject_digests(raw), open_assertion(raw, settings.trust)
try:
    verify(raw, "sha256:" + "0" * 64, None, settings.trust)
except UntrustedError:
    print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""

MISSING = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[3].split(",")))
from pathlib import Path
from webhook.errors import ConfigurationError
from webhook.settings.loading import load_settings
try:
    load_settings(Path(sys.argv[1]))
except ConfigurationError as error:
    print(str(error).partition(": ")[2])
"""


def run(code: str, *arguments: str | Path) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    file = tmp_path / "evidence.json"
    file.write_bytes(dump(WORLD.bundle(BODY)))
    (tmp_path / "root.json").write_bytes(root_bytes(WORLD))
    return file


def configured(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("trust", ["{}", "{trustedRoot: root.json}"])
def test_nothing_of_it_is_loaded_without_identities(trust: str, evidence: Path) -> None:
    assert run(WITHOUT, configured(evidence.parent, f"trust: {trust}"), evidence) == "[]"


INSTALL = "needs the extra `keyless`; install `execution-evidence-gate[keyless]`"


@pytest.mark.parametrize(
    ("absent", "member", "told"),
    [
        ("sigstore,sigstore.verify", "subject: a", f"trust.trustedRoot 'root.json': {INSTALL}"),
        ("re2", "subjectRegExp: a", f"trust.identities[0].subjectRegExp: {INSTALL}"),
        ("re2", "subject: a", ""),
    ],
)
def test_what_is_not_installed_is_named_where_it_is_needed(
    absent: str, member: str, told: str, evidence: Path
) -> None:
    text = f"trust: {{trustedRoot: root.json, identities: [{{name: a, issuer: 'https://a', {member}}}]}}"
    assert run(MISSING, configured(evidence.parent, text), evidence, absent) == told
