"""Opening envelopes: what costs, done once for each envelope and off the loop where it would hold others up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from webhook.errors import EvidenceError, UntrustedError
from webhook.limits import LIMITS
from webhook.model.bounded import remember
from webhook.stores.protocol import Candidate
from webhook.trust.dsse import may_be_certified
from webhook.trust.policy import TrustPolicy
from webhook.trust.verify import OpenedEnvelope, VerifiedStatement, open_assertion, open_envelope

Opened = OpenedEnvelope | EvidenceError

_Key = tuple[str, bool]
"""Envelope digest, and whether assertions count."""

_VERIFIERS = ThreadPoolExecutor(1, "verify")
"""A thread of its own: hostile evidence must not keep the files' watches waiting for a thread."""

_CERTIFIERS = ThreadPoolExecutor(1, "certify")
"""Another one: what strangers have signed with certificates must not keep evidence waiting that keys have signed."""


class EnvelopeOpener:
    """Opens envelopes by one trust policy, and remembers those that were opened lately."""

    def __init__(self, trust: TrustPolicy) -> None:
        """Makes an opener that remembers nothing.

        Args:
            trust: The trusted keys.
        """
        self._trust = trust
        self._opened: dict[_Key, Opened] = {}
        self._pending: dict[_Key, asyncio.Future[Opened]] = {}

    async def open(self, candidate: Candidate, *, assertions_count: bool) -> Opened:
        """Opens an envelope once, whatever images are asked for; the rest is cheap and judged at every query.

        Args:
            candidate: What a store found.
            assertions_count: Whether an envelope that nobody trusted signed is opened as anybody's word.

        Returns:
            The envelope, or why it does not count.
        """
        key = (candidate.digest, assertions_count)
        known = self._opened.get(key)
        if known is not None:
            return known
        if self._trust.identities and may_be_certified(candidate.raw):
            return await self._open_in_thread(key, candidate.raw, _CERTIFIERS)
        # What an envelope can cost grows with its size, which bounds its signatures, and with the trusted keys;
        # reading it costs without any, too.
        if len(candidate.raw) * max(len(self._trust.keys), 1) > LIMITS.verification_thread_bytes:
            return await self._open_in_thread(key, candidate.raw, _VERIFIERS)
        opened = self._read(candidate.raw, assertions_count)
        remember(self._opened, key, opened, LIMITS.opened_envelopes)
        # Many candidates must not keep the loop to themselves.
        await asyncio.sleep(0)
        return opened

    async def _open_in_thread(self, key: _Key, raw: bytes, thread: ThreadPoolExecutor) -> Opened:
        """Opens off the loop, once for all who ask at the same time; a caller that gives up stops nobody else."""
        pending = self._pending.get(key)
        if pending is None:
            pending = asyncio.get_running_loop().run_in_executor(thread, self._read, raw, key[1])
            self._pending[key] = pending
            pending.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(pending)

    def _done(self, key: _Key, done: asyncio.Future[Opened]) -> None:
        self._pending.pop(key, None)
        if not done.cancelled() and done.exception() is None:
            # Here and not with the caller: what was worked out after the deadline serves the next review.
            remember(self._opened, key, done.result(), LIMITS.opened_envelopes)

    def _read(self, raw: bytes, assertions_count: bool) -> Opened:  # noqa: FBT001 - private
        try:
            return open_envelope(raw, self._trust)
        except EvidenceError as error:
            # As anybody's word, what a certificate's bundle brings along need not be right either.
            if not assertions_count:
                return error.without_history()
        try:
            return open_assertion(raw, self._trust)
        except EvidenceError as error:
            return error.without_history()


def read_about(
    opened: OpenedEnvelope, digest: str, repository: str | None, *, assertions_count: bool
) -> VerifiedStatement | EvidenceError:
    """Reads what an envelope says about one image.

    Args:
        opened: The envelope.
        digest: `sha256:` and 64 hexadecimal digits.
        repository: The image's host and path, or None if it is not known.
        assertions_count: Whether an envelope whose signers may not speak for the image is anybody's word.

    Returns:
        The statement, or why it does not count.
    """
    try:
        try:
            return opened.about(digest, repository)
        except UntrustedError:
            if not assertions_count:
                raise
            return opened.as_assertion().about(digest, repository)
    except EvidenceError as error:
        return error.without_history()
