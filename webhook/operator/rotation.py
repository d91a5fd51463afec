"""What is to be done about the certificates, as data: a state and a time in, steps out.

The order is what makes a rotation unnoticeable: an API server must trust an authority before it meets a leaf of
it, and must go on trusting the old one while a leaf of it can be alive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from webhook.operator.certificates import (
    KeyPair,
    Lifetimes,
    dns_names,
    is_valid_at,
    issue_authority,
    issue_leaf,
    renewal_time,
    signed_by,
)


class Step(StrEnum):
    """One thing to do; `plan` gives them in the order in which they are done."""

    ISSUE_AUTHORITY = "IssueAuthority"
    """Make a new authority, and put it in front of the bundle."""
    PRUNE_BUNDLE = "PruneBundle"
    """Leave out the authorities of which no leaf can be alive."""
    SPREAD_BUNDLE = "SpreadBundle"
    """Write the bundle to the webhook configuration and beside the leaf."""
    ISSUE_LEAF = "IssueLeaf"
    """Make a new leaf."""


@dataclass(frozen=True, slots=True)
class State:
    """What there is.

    Attributes:
        authority: The authority that issues, or None if there is none that can be read.
        bundle: Every certificate that is to be trusted.
        leaf: The serving certificate, or None if there is none that can be read.
        names: The DNS names that the leaf must have.
        spread: Whether the bundle stands everywhere.
        settled: Whether it has stood there long enough for every API server to have heard of it.
        lifetimes: How long things live.
    """

    authority: KeyPair | None
    bundle: tuple[x509.Certificate, ...]
    leaf: KeyPair | None
    names: frozenset[str]
    spread: bool
    settled: bool
    lifetimes: Lifetimes


def plan(state: State, now: datetime) -> tuple[Step, ...]:
    """Decides.

    A leaf that works is replaced only when the bundle is everywhere and the API servers have heard of it. A leaf
    that does not work is replaced at once.

    Args:
        state: What there is.
        now: The time.

    Returns:
        The steps, none if all is well.
    """
    steps = []
    if _authority_is_due(state, now):
        steps.append(Step.ISSUE_AUTHORITY)
    elif retained(state, now) != state.bundle:
        steps.append(Step.PRUNE_BUNDLE)
    if steps or not state.spread:
        steps.append(Step.SPREAD_BUNDLE)
    if not _leaf_works(state, now) or (not steps and state.settled and _leaf_is_due(state, now)):
        steps.append(Step.ISSUE_LEAF)
    return tuple(steps)


def carry_out(state: State, steps: Sequence[Step], now: datetime) -> State:
    """Makes what the steps ask for; writing it down is left to the caller.

    Args:
        state: What there is.
        steps: What `plan` gave for it.
        now: The time.

    Returns:
        What there has to be.
    """
    for step in steps:
        match step:
            case Step.ISSUE_AUTHORITY:
                fresh = replace(state, authority=issue_authority(now, state.lifetimes))
                state = replace(fresh, bundle=retained(fresh, now))
            case Step.PRUNE_BUNDLE:
                state = replace(state, bundle=retained(state, now))
            case Step.SPREAD_BUNDLE:
                state = replace(state, spread=True)
            case Step.ISSUE_LEAF if state.authority is not None:
                leaf = issue_leaf(state.authority, sorted(state.names), now, state.lifetimes)
                state = replace(state, leaf=leaf)
            case Step.ISSUE_LEAF:
                raise ValueError("a leaf needs an authority")
    return state


def retained(state: State, now: datetime) -> tuple[x509.Certificate, ...]:
    """Gives the bundle as it has to be.

    Args:
        state: What there is.
        now: The time.

    Returns:
        The authority that issues, then those whose leaves may still be alive: since the present authority exists,
        no other one has issued anything, so all their leaves have ended when a leaf's life has passed since.
    """
    if state.authority is None:
        return tuple(certificate for certificate in state.bundle if is_valid_at(certificate, now))
    own = state.authority.certificate
    issued = own.not_valid_before_utc + state.lifetimes.skew
    others = () if now >= issued + state.lifetimes.leaf + state.lifetimes.skew else state.bundle
    return (own, *(other for other in others if other != own and is_valid_at(other, now)))


def _authority_is_due(state: State, now: datetime) -> bool:
    if state.authority is None or not is_valid_at(state.authority.certificate, now):
        return True
    return now >= renewal_time(state.authority.certificate, state.lifetimes)


def _leaf_works(state: State, now: datetime) -> bool:
    if state.leaf is None or not is_valid_at(state.leaf.certificate, now):
        return False
    if dns_names(state.leaf.certificate) != state.names:
        return False
    return any(
        is_valid_at(authority, now) and signed_by(state.leaf.certificate, authority) for authority in state.bundle
    )


def _leaf_is_due(state: State, now: datetime) -> bool:
    if state.leaf is None or state.authority is None:
        return True
    if not signed_by(state.leaf.certificate, state.authority.certificate):
        return True
    return now >= renewal_time(state.leaf.certificate, state.lifetimes)
