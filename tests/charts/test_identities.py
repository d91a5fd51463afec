"""Identities and the trusted root, from the values to what the server trusts."""

from pathlib import Path
from typing import Any

import pytest

from tests.charts.chart import CHART, RELEASE, Helm
from tests.charts.pods import lay_out
from tests.simulators.sigstore import Sigstore, root_bytes
from tests.support.envelopes import dump
from tests.support.keys import ed25519_key
from tests.support.statements import statement
from tests.support.verdicts import UNTRUSTED, VERIFIED, verdict
from webhook.settings.loading import load_settings

WORLD = Sigstore()
ROOT = root_bytes(WORLD)
RAW = dump(WORLD.bundle(statement()))
ROBOT = {"name": "robot", "issuer": "https://issuer.example.com", "subject": "robot@example.com"}
BY_PATTERN = {
    "name": "trusted_root.json",  # The name of a key's file would be trusted_root.json.pub.
    "issuerRegExp": r"^https://issuer\.example\.com$",
    "subjectRegExp": "(robot|android)@example[.]com",
    "environments": ["staging"],
    "repositories": ["registry.example.com/shop/*"],
}
INLINE = {"json": ROOT.decode()}
SECRET = {"secret": {"name": "sigstore", "key": "root.json"}}


@pytest.mark.parametrize("component", ["webhook", "operator"])
@pytest.mark.parametrize("root", [INLINE, SECRET], ids=["inline", "secret"])
@pytest.mark.parametrize(
    ("identity", "expected"),
    [(ROBOT, VERIFIED), (BY_PATTERN, VERIFIED), (ROBOT | {"subject": "b@example.com"}, UNTRUSTED)],
)
def test_the_identities_of_the_values_are_those_that_the_server_trusts(  # noqa: PLR0913, PLR0917 - the parts of a table
    helm: Helm, component: str, root: dict[str, Any], identity: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    key = {"name": "trusted_root.json", "publicKey": ed25519_key().pem.decode()}
    values = {"trust": {"keys": [key], "identities": [identity], "trustedRoot": root}}
    file = lay_out(helm.render(values=values), component, tmp_path, {"sigstore": {"root.json": ROOT}})
    trust = load_settings(file).trust
    assert verdict(RAW, trust) == expected
    assert [entry.name for entry in trust.keys] == ["trusted_root.json"]


def test_identities_without_a_trusted_root_are_refused(helm: Helm) -> None:
    result = helm.run("template", RELEASE, CHART, values={"trust": {"identities": [ROBOT]}}, check=False)
    assert result.returncode != 0
    assert "trust.identities needs trust.trustedRoot" in result.stderr


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"identities": [ROBOT | {"name": "a b"}]}, "/trust/identities/0/name"),
    ({"identities": [ROBOT | {"issuerRegExp": ".*"}]}, "/trust/identities/0"),
    ({"identities": [ROBOT | {"subjectRegExp": ".*"}]}, "/trust/identities/0"),
    ({"identities": [{"name": "robot", "issuer": "https://a"}]}, "/trust/identities/0"),
    ({"identities": [ROBOT | {"subject": "a b"}]}, "/trust/identities/0/subject"),
    ({"identities": [ROBOT | {"subjectRegexp": ".*"}]}, "/trust/identities/0"),
    ({"trustedRoot": "root.json"}, "/trust/trustedRoot"),
    ({"trustedRoot": {}}, "/trust/trustedRoot"),
    ({"trustedRoot": {"json": "root.json"}}, "/trust/trustedRoot/json"),
    ({"trustedRoot": {**INLINE, **SECRET}}, "/trust/trustedRoot"),
    ({"trustedRoot": {"secret": {"name": "sigstore"}}}, "/trust/trustedRoot/secret"),
]


@pytest.mark.parametrize(("trust", "path"), WRONG)
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, trust: dict[str, Any], path: str) -> None:
    values = {"trust": {"trustedRoot": INLINE, **trust}}
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert result.returncode != 0
    assert path in result.stderr
