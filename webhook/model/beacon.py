"""The `beaconAttestation` predicate: of the beacons that an image should have sent, how many were verified.

Source: docs/contracts/beacon-attestation-v1.md, a contract of this project's own.
"""

from typing import Self

from pydantic import model_validator

from webhook.model.predicate import Count, Observation

BEACON_PREDICATE_TYPES = ("stella.ops/beaconAttestation@v1", "https://stella.ops/beaconAttestation@v1")


class BeaconAttestation(Observation):
    """The predicate `stella.ops/beaconAttestation@v1`."""

    beacons_expected: Count
    """How many beacons the image should have sent in the observed time."""
    beacons_verified: Count
    """How many of these arrived and were verified."""

    @model_validator(mode="after")
    def _no_more_than_expected(self) -> Self:
        if self.beacons_verified > self.beacons_expected:
            raise ValueError("more beacons were verified than expected")
        return self
