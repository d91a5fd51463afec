"""What of an answer may be shown: raw values, or only their hashes, anchors and references.

Source: the second seed and Decision Gate's disclosure policy. Decisions are made on raw values; this is about
every place that shows what they rest on: HTTP, RPC, records, Events, logs and answers.
"""

from dataclasses import dataclass, replace

from webhook.model.evidence import EvidenceResult


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The disclosure policy.

    Attributes:
        allow_raw_values: Whether raw values may be shown at all.
        require_provider_opt_in: Whether the provider must allow it too.
        opted_in: Ids of the providers that do.
    """

    allow_raw_values: bool = False
    require_provider_opt_in: bool = True
    opted_in: frozenset[str] = frozenset()

    def shows_raw(self, provider_id: str) -> bool:
        """Tells whether a provider's raw values may be shown.

        Args:
            provider_id: The provider's id.

        Returns:
            True if they may.
        """
        return self.allow_raw_values and (not self.require_provider_opt_in or provider_id in self.opted_in)

    def disclosed(self, result: EvidenceResult, provider_id: str) -> EvidenceResult:
        """Gives the part of a result that may be shown.

        Args:
            result: The whole result, with the hash of its value.
            provider_id: Who gave it.

        Returns:
            The result itself, or one without value and content type. Its hash still tells whether the value is the
            one that somebody else has.
        """
        return result if self.shows_raw(provider_id) else redacted(result)


def redacted(result: EvidenceResult) -> EvidenceResult:
    """Takes the raw value out of a result.

    Args:
        result: The result.

    Returns:
        The same hash, reference, anchor, signature, lane and error, without value and content type.
    """
    return replace(result, value=None, content_type=None)
