"""Whether the webhook did what the bench believes it did: its own count of verdicts."""

import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from tests.harness.gate import Gate
from tests.harness.polling import poll

_SAMPLE = "execution_evidence_gate_reviews_total"
_PASSED = ("Pass", "EvidenceSufficient")
_SECONDS = 5.0


class Ledger:
    """Counts a running webhook's reviews from now on.

    Args:
        gate: The webhook.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._before = self._read()

    def expect_passes(self, reviews: int) -> None:
        """Insists that so many reviews came in, and that each was evaluated and passed by its evidence.

        Args:
            reviews: How many were sent.

        Raises:
            AssertionError: The webhook counted something else: the bench measured the wrong thing.
        """
        wanted = Counter({_PASSED: reviews})
        # Counted after the answer stands, perhaps a moment after it has been read.
        poll(lambda: self._read() - self._before == wanted, _SECONDS, f"the webhook has counted {reviews} passes")

    def _read(self) -> Counter[tuple[str, str]]:
        with urllib.request.urlopen(f"{self._gate.ops_url}/metrics", timeout=_SECONDS) as answer:  # noqa: S310 - our own server
            text = answer.read().decode()
        return Counter(
            {
                (sample.labels["verdict"], sample.labels["reason"]): int(sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == _SAMPLE
            }
        )
