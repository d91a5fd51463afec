"""Several stores asked as one."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from webhook.stores.protocol import EvidenceStore, Found, ImageSubject


class Finder(Protocol):
    """What finds evidence: a store, or several."""

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        """As `stores.protocol.EvidenceStore.find`."""


def in_turn(stores: Sequence[EvidenceStore]) -> Finder:
    """Makes one of stores that answer from memory.

    Args:
        stores: The stores; none finds nothing.

    Returns:
        What asks one after the other.
    """
    # Nothing between the provider and the only store: this is the usual case.
    return stores[0] if len(stores) == 1 else _InTurn(stores)


def at_once(stores: Sequence[EvidenceStore]) -> Finder:
    """Makes one of stores whose answers may take requests.

    Args:
        stores: The stores; none finds nothing.

    Returns:
        What asks all at the same time, and never gives an outline of what several found.
    """
    return stores[0] if len(stores) == 1 else _AtOnce(stores)


def together(answers: Sequence[Found]) -> Found:
    """Makes one answer of several.

    Args:
        answers: Whole ones, in the order of their stores, whichever came first.

    Returns:
        All that was found; of gaps and of remarks, the first.
    """
    return Found(
        tuple(candidate for found in answers for candidate in found.candidates),
        next((found.gap for found in answers if found.gap is not None), None),
        tuple(platform for found in answers for platform in found.platforms),
        next((found.remark for found in answers if found.remark is not None), None),
    )


class _InTurn:
    def __init__(self, stores: Sequence[EvidenceStore]) -> None:
        self._stores = stores

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        return together([await store.find(subject, max_age) for store in self._stores])


class _AtOnce:
    def __init__(self, stores: Sequence[EvidenceStore]) -> None:
        self._stores = stores

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        return together(await asyncio.gather(*(_whole(store, subject, max_age) for store in self._stores)))


async def _whole(store: EvidenceStore, subject: ImageSubject, max_age: float | None) -> Found:
    found = await store.find(subject, max_age)
    return found if found.fingerprint is None else await store.find(subject, 0.0)
