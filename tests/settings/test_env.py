"""The section `providers.env`."""

from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, written
from webhook.limits import LIMITS
from webhook.settings.loading import load_settings


def section(**env: Any) -> dict[str, Any]:
    return {"providers": {"env": env}}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "providers.env.allowlist", "required"),
    ({"allowlist": []}, "providers.env.allowlist", "at least 1"),
    ({"allowlist": None}, "providers.env.allowlist", "tuple"),
    ({"allowlist": "DEPLOY_ENV"}, "providers.env.allowlist", "tuple"),
    ({"allowlist": [f"V{n}" for n in range(LIMITS.variables + 1)]}, "providers.env.allowlist", "at most 256"),
    (
        {"allowlist": ["A"], "denylist": [f"V{n}" for n in range(LIMITS.variables + 1)]},
        "providers.env.denylist",
        "256",
    ),
    *(
        ({"allowlist": ["A", name]}, "providers.env.allowlist[1]", "")
        for name in ("", "A=B", "A\n", "\u00e4", "A\0", "A" * 256, 1, None)
    ),
    ({"allowlist": ["A"], "denylist": ["A=B"]}, "providers.env.denylist[0]", "pattern"),
    ({"allowlist": ["A"], "allowRaw": "true"}, "providers.env.allowRaw", "boolean"),
    ({"allowlist": ["A"], "allow_raw": True}, "providers.env.allow_raw", "did you mean 'allowRaw'"),
    ({"allowList": ["A"]}, "providers.env.allowList", "did you mean 'allowlist'"),
]


@pytest.mark.parametrize(("env", "place", "text"), WRONG)
def test_a_section_that_is_wrong_is_refused_by_name(
    env: dict[str, Any], place: str, text: str, tmp_path: Path
) -> None:
    lines = refusal(written(tmp_path, section(**env)))
    assert any(line.startswith(f"{place}: ") and text in line for line in lines), lines


def digest(folder: Path, **env: Any) -> str:
    return load_settings(written(folder, section(**env) if env else {})).digest


def test_what_may_be_asked_for_changes_the_digest_and_what_may_be_shown_does_not(tmp_path: Path) -> None:
    one = digest(tmp_path, allowlist=["A", "B"])
    assert one == digest(tmp_path, allowlist=["B", "A", "A"], allowRaw=True)
    assert one == digest(tmp_path, allowlist=["A", "B", "C"], denylist=["C", "D"])
    assert len({one, digest(tmp_path), digest(tmp_path, allowlist=["A"])}) == 3


def test_its_values_are_shown_only_if_it_says_so(tmp_path: Path) -> None:
    for opted_in in (False, True):
        document = section(allowlist=["A"], allowRaw=opted_in) | {"disclosure": {"allowRawValues": True}}
        assert load_settings(written(tmp_path, document)).disclosure.shows_raw("env") is opted_in
