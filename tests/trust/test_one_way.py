"""Discovery never yields "verified" (policy-controller #1971): one function makes verified statements."""

import ast
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import webhook
from tests.support.envelopes import dump, envelope
from tests.support.keys import ed25519_key
from tests.support.statements import IMAGE, REPOSITORY, statement
from tests.support.verdicts import trusting
from webhook.trust.dsse import Envelope
from webhook.trust.verify import verify

PACKAGE = Path(webhook.__file__).parent
POLICY = trusting(ed25519_key())
RAW = dump(envelope(statement(), [ed25519_key()]))


def _modules_that_call(name: str) -> set[str]:
    return {
        str(module.relative_to(PACKAGE))
        for module in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
        if (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == name
    }


def test_nothing_else_makes_a_verified_statement() -> None:
    assert _modules_that_call("VerifiedStatement") == {"trust/verify.py"}


def test_nothing_else_checks_a_signature_of_evidence() -> None:
    # The other two check what is no statement: a remote provider's result, and lines of our own record log.
    others = {"trust/result_signature.py", "records/verify.py"}
    assert _modules_that_call("verifies") == {"trust/verify.py"} | others


def test_a_certificate_s_signature_is_checked_in_one_place_alone() -> None:
    assert _modules_that_call("verify_dsse") == {"trust/keyless.py"}
    assert _modules_that_call("verify_certified") == {"trust/verify.py"}


@pytest.mark.parametrize(
    ("record", "member"),
    [
        (verify(RAW, IMAGE, REPOSITORY, POLICY), "lane"),
        (Envelope.parse(RAW), "payload"),
        (Envelope.parse(RAW).signatures[0], "value"),
        (POLICY, "threshold"),
        (POLICY.keys[0], "environments"),
        (POLICY.keys[0].key, "key_id"),
    ],
)
def test_what_was_verified_cannot_be_changed(record: object, member: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, member, None)
