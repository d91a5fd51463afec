from dataclasses import replace

import pytest

from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.errors import UnavailableError
from webhook.model.basis import Platform
from webhook.stores.fingerprint import FoundShrinker, basis_of, fingerprint_of
from webhook.stores.protocol import Candidate, Found

ONE = Candidate(b"raw", "sha256:" + "ab" * 32, "registry:one", Platform("linux/amd64", IMAGE))
FOUND = Found((ONE,), platforms=(Platform("linux/amd64", IMAGE),))

OTHERS: dict[str, Found] = {
    "envelope": FOUND._replace(candidates=(replace(ONE, digest="sha256:" + "cd" * 32),)),
    "place": FOUND._replace(candidates=(replace(ONE, uri="registry:two"),)),
    "platform": FOUND._replace(candidates=(replace(ONE, platform=Platform("linux/amd64", OTHER_IMAGE)),)),
    "no platform": FOUND._replace(candidates=(replace(ONE, platform=None),)),
    "number": FOUND._replace(candidates=(ONE, ONE)),
    "none": FOUND._replace(candidates=()),
    "platforms": FOUND._replace(platforms=()),
    "remark": FOUND._replace(remark="a remark"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_answers_that_a_judgement_could_tell_apart_have_different_fingerprints(case: str) -> None:
    assert fingerprint_of(basis_of(OTHERS[case])) != fingerprint_of(basis_of(FOUND))


def test_equal_answers_have_equal_fingerprints_and_so_has_the_outline() -> None:
    again = Found((replace(ONE),), platforms=(Platform("linux/amd64", IMAGE),))
    outline = FoundShrinker().shrink(FOUND)
    assert outline is not None
    rest = FoundShrinker().restore(outline)
    assert rest.candidates == ()
    assert fingerprint_of(basis_of(FOUND)) == fingerprint_of(basis_of(again)) == rest.fingerprint


@pytest.mark.parametrize(
    "found", [Found(()), FOUND._replace(candidates=()), FOUND._replace(gap=UnavailableError("a part is missing"))]
)
def test_absence_and_what_was_not_read_completely_have_no_outline(found: Found) -> None:
    assert FoundShrinker().shrink(found) is None
