"""The locks can be installed by the pip that a Python brings along."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([a-z0-9-]+)(\[[a-z0-9,-]+\])?==(\S+)", re.MULTILINE)


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_what_is_pinned_with_extras_is_pinned_without_them_too(name: str) -> None:
    pinned = PINNED.findall((ROOT / "requirements" / name).read_text(encoding="utf-8"))
    plain = {(package, version) for package, extras, version in pinned if not extras}
    with_extras = {(package, version) for package, extras, version in pinned if extras}
    assert with_extras  # Else `PLAIN` in the Makefile is of no use any more.
    assert with_extras <= plain


def test_the_image_holds_what_trusted_identities_need() -> None:
    lock = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    assert {"sigstore", "google-re2"} <= {package for package, _, _ in PINNED.findall(lock)}
