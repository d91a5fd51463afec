"""What is kept of a failure holds nothing of what its look-up has read."""

import pytest

from tests.simulators.api_server import Fault, cuts, status
from tests.simulators.registry import INDEX, RegistrySimulator
from tests.simulators.registry_faults import answers
from tests.stores.registry.attached import attach_by_tag, discover, evidence, listed
from tests.stores.registry.simulated import PATH
from tests.support.envelopes import dump
from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.stores.registry.transport.failure import RegistryError

PAGE = dump({"manifests": [listed(OTHER_IMAGE)]})
NEXT = {"Content-Type": INDEX, "Link": f'</v2/{PATH}/referrers/{IMAGE}?begin=1>; rel="next"'}
FAILURES: dict[str, tuple[str, list[Fault]]] = {
    "a manifest": ("manifest", [status(403)]),
    "no manifest": ("manifest", [answers(b"<html>", {})]),
    "a layer": ("blob", [status(403)]),
    "referrers": ("referrers", [status(403)]),
    "a list that breaks off": ("referrers", [answers(PAGE, NEXT), status(403)]),
    "a connection": ("referrers", [cuts(b"{"), cuts(b"{")]),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_gap_has_neither_traceback_nor_causes_nor_a_list(case: str) -> None:
    operation, faults = FAILURES[case]
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, evidence())
        registry.faults[operation] += faults
        (gap,) = (await discover(registry)).gaps
        assert (gap.__traceback__, gap.__cause__, gap.__context__) == (None, None, None)
        assert not isinstance(gap, RegistryError) or gap.found == ()
