"""Bundles signed by a certificate: good ones, and ones in which one thing is wrong."""

import base64
import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.simulators.sigstore import LATER, Signed, Sigstore, assembled
from tests.simulators.sigstore_certificates import SIGNED_AT, CertificateLog, Leaf
from tests.simulators.sigstore_log import TransparencyLog
from tests.support.envelopes import b64
from tests.support.statements import OTHER_IMAGE, statement

Bundle = dict[str, Any]
Make = Callable[[], Bundle]

WORLD, OTHER = Sigstore(), Sigstore()
BODY, ELSE = statement(), statement(subjects=[OTHER_IMAGE])
EARLIER = SIGNED_AT - timedelta(hours=1)
V01, V02 = (f"application/vnd.dev.sigstore.bundle+json;version=0.{minor}" for minor in (1, 2))


class WrongLog(CertificateLog):
    """Has the right key and vouches for another certificate."""

    def timestamp(self, precertificate: x509.Certificate, authority: bytes, at: datetime) -> bytes:
        """A timestamp of what another authority issued."""
        return super().timestamp(precertificate, authority[::-1], at)


def parts(**changes: Any) -> Sigstore:
    """This Sigstore, with parts of another one."""
    own = {name: getattr(WORLD, name) for name in ("authority", "certificate_log", "log", "timestamps")}
    return Sigstore(**own | changes)


def logged(signed: Signed) -> Bundle:
    """A bundle with an entry of its own."""
    return assembled(signed, WORLD.entry(signed))


def certified(leaf: Leaf, **how: Any) -> Bundle:
    """A bundle with a certificate that says something else."""
    return logged(WORLD.sign(BODY, leaf, **how))


def changed(path: str, value: Any, of: Make = lambda: WORLD.bundle(BODY)) -> Bundle:
    """A good bundle with one member of the log entry replaced; a function gets the old value."""
    bundle = of()
    *above, last = path.split(".")
    node = bundle["verificationMaterial"]["tlogEntries"][0]
    for step in above:
        node = node[step]
    node[last] = value(node.get(last)) if callable(value) else value
    return bundle


def stamped(signed: Signed, *stamps: bytes) -> Bundle:
    """A bundle with an entry that tells no time, and some timestamps."""
    return assembled(signed, WORLD.entry_v2(signed), *stamps)


def flipped(text: str) -> str:
    """Base64 of bytes with another last bit but seven."""
    return text[:4] + ("A" if text[4] != "A" else "B") + text[5:]


def _promised_and_stamped() -> Bundle:
    signed = WORLD.sign(BODY)
    return assembled(signed, WORLD.entry(signed), WORLD.stamp(signed))


GOOD: list[tuple[str, Make]] = [
    ("an entry of Rekor 1", lambda: WORLD.bundle(BODY)),
    ("an entry of Rekor 2 and a timestamp", lambda: WORLD.bundle_v2(BODY)),
    ("both a promise and a timestamp", _promised_and_stamped),
    ("one certificate log, asked a minute before", lambda: certified(Leaf(sct_at=SIGNED_AT - timedelta(minutes=1)))),
    ("the certificate's first second", lambda: WORLD.bundle(BODY, at=SIGNED_AT - timedelta(seconds=5))),
    ("the certificate's last second", lambda: WORLD.bundle(BODY, at=SIGNED_AT + timedelta(seconds=595))),
]


def _swapped(*, envelope: bool = False, certificate: bool = False, entry: bool = False) -> Bundle:
    """Parts of a second bundle, about another image, in the first."""
    one, two = (WORLD.sign(body) for body in (BODY, ELSE))
    entries = WORLD.entry(one), WORLD.entry(two)
    mixed = Signed((two if envelope else one).envelope, (two if certificate else one).certificate)
    return assembled(mixed, entries[entry])


def _entry_of_a_second_signer() -> Bundle:
    one, two = WORLD.sign(BODY), WORLD.sign(BODY)
    return assembled(one, WORLD.entry(two))


def _signatures_of_a_second_signer() -> Bundle:
    one, two = WORLD.sign(BODY), WORLD.sign(BODY)
    mixed = Signed(one.envelope | {"signatures": two.envelope["signatures"]}, one.certificate)
    return assembled(mixed, WORLD.entry(mixed))


def _checkpoint(log: TransparencyLog, root: bytes | None = None) -> Bundle:
    """A good bundle with another checkpoint in the proof: by another log, or about another tree."""

    def change(proof: dict[str, Any]) -> dict[str, Any]:
        about = base64.b64decode(proof["rootHash"]) if root is None else root
        return proof | {"checkpoint": {"envelope": log.checkpoint(int(proof["treeSize"]), about)}}

    return changed("inclusionProof", change)


def _as_the_leaf(certificate: x509.Certificate) -> Bundle:
    signed = WORLD.sign(BODY)
    return logged(Signed(signed.envelope, certificate))


def _without_a_time() -> Bundle:
    bundle = WORLD.bundle(BODY)
    del bundle["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]
    return bundle


def _stamp_of_another() -> Bundle:
    one, two = WORLD.sign(BODY), WORLD.sign(BODY)
    return stamped(one, WORLD.stamp(two))


def _twice_stamped() -> Bundle:
    signed = WORLD.sign(BODY)
    stamp = WORLD.stamp(signed)
    return stamped(signed, stamp, stamp)


def _garbled_stamp() -> Bundle:
    signed = WORLD.sign(BODY)
    return stamped(signed, WORLD.stamp(signed)[:-1] + b"\0")


def _good_stamp_and(stamp: bytes) -> Bundle:
    signed = WORLD.sign(BODY)
    return stamped(signed, WORLD.stamp(signed), stamp)


NO_PROOF = "vouches for it, or nothing proves that it was valid when it signed"
NOT_LOGGED = "but its entry in the transparency log or the signature itself does not hold"

NOT_CERTIFIED: list[tuple[str, Make]] = [
    ("another Sigstore", lambda: OTHER.bundle(BODY)),
    ("another authority", lambda: parts(authority=OTHER.authority).bundle(BODY)),
    ("another certificate log", lambda: parts(certificate_log=OTHER.certificate_log).bundle(BODY)),
    ("a log's word on another certificate", lambda: certified(Leaf(), logs=[WrongLog(WORLD.certificate_log.key)])),
    ("logged after the certificate's end", lambda: WORLD.bundle(BODY, at=LATER)),
    ("logged before the certificate's begin", lambda: WORLD.bundle(BODY, at=EARLIER)),
    ("stamped after the certificate's end", lambda: WORLD.bundle_v2(BODY, at=LATER)),
    ("stamped before the certificate's begin", lambda: WORLD.bundle_v2(BODY, at=EARLIER)),
    ("stamped by another authority", lambda: parts(timestamps=OTHER.timestamps).bundle_v2(BODY)),
    ("stamped for another signature", _stamp_of_another),
    ("a promise with an entry that has none", lambda: changed("kindVersion.version", "0.0.2")),
    ("the same timestamp twice", _twice_stamped),
    ("not for signing code", lambda: certified(Leaf(usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)))),
    ("for nothing", lambda: certified(Leaf(usages=()))),
    ("not for signing at all", lambda: certified(Leaf(digital_signature=False))),
    ("an authority's certificate", lambda: certified(Leaf(is_ca=True))),
]
"""What the certificate itself is refused for."""

TIMELESS: list[tuple[str, Make]] = [
    ("no proof of any time, Rekor 1", _without_a_time),
    ("no proof of any time, Rekor 2", lambda: stamped(WORLD.sign(BODY))),
    ("no time in the promise", lambda: changed("integratedTime", "0")),
]

NOT_IN_THE_LOG: list[tuple[str, Make]] = [
    ("another log", lambda: parts(log=OTHER.log).bundle(BODY)),
    ("another log, Rekor 2", lambda: parts(log=OTHER.log).bundle_v2(BODY)),
    ("the entry of another artifact", lambda: _swapped(entry=True)),
    ("the entry of another signer of the same", _entry_of_a_second_signer),
    ("another payload", lambda: _swapped(envelope=True)),
    ("another certificate", lambda: _swapped(certificate=True)),
    ("another payload and certificate", lambda: _swapped(envelope=True, certificate=True)),
    ("another payload and entry", lambda: _swapped(envelope=True, entry=True)),
    ("another certificate and entry", lambda: _swapped(certificate=True, entry=True)),
    ("the signature of another signer of the same", _signatures_of_a_second_signer),
    ("a promise for another time", lambda: changed("integratedTime", lambda old: str(int(old) + 1))),
    ("a promise for another index", lambda: changed("logIndex", lambda old: str(int(old) + 1))),
    ("a promise by another log", lambda: _promise_of(OTHER.log)),
    ("the id of another log", lambda: changed("logId.keyId", b64(OTHER.log.log_id))),
    ("another kind", lambda: changed("kindVersion.kind", "hashedrekord")),
    ("another root", lambda: changed("inclusionProof.rootHash", flipped)),
    ("another leaf", lambda: changed("inclusionProof.logIndex", "0")),
    ("a larger tree", lambda: changed("inclusionProof.treeSize", lambda old: str(int(old) * 64))),
    ("another node on the path", lambda: changed("inclusionProof.hashes", lambda old: [flipped(old[0]), *old[1:]])),
    ("a node too few", lambda: changed("inclusionProof.hashes", lambda old: old[1:])),
    ("a node too many", lambda: changed("inclusionProof.hashes", lambda old: [*old, old[0]])),
    ("a body with a space", lambda: changed("canonicalizedBody", lambda old: b64(base64.b64decode(old) + b" "))),
    ("a checkpoint by another log", lambda: _checkpoint(OTHER.log)),
    ("a checkpoint of another tree", lambda: _checkpoint(WORLD.log, bytes(32))),
    ("a checkpoint without a signature", lambda: changed("inclusionProof.checkpoint.envelope", _unsigned)),
    ("no checkpoint in the note", lambda: changed("inclusionProof.checkpoint.envelope", "")),
]
"""What the entry or the signature is refused for."""

UNREADABLE: list[tuple[str, Make]] = [
    ("a version that nobody knows", lambda: changed("kindVersion.version", "0.0.3")),
    ("a tree that ends before the leaf", lambda: changed("inclusionProof.treeSize", "1")),
]


def _promise_of(log: TransparencyLog) -> Bundle:
    bundle = WORLD.bundle(BODY)
    entry = bundle["verificationMaterial"]["tlogEntries"][0]
    promise = log.promise(base64.b64decode(entry["canonicalizedBody"]), int(entry["logIndex"]), SIGNED_AT)
    entry["inclusionPromise"]["signedEntryTimestamp"] = b64(promise)
    return bundle


def _unsigned(note: str) -> str:
    return note.partition("\n\n")[0] + "\n\n"


def with_material(change: Callable[[dict[str, Any]], Any]) -> Bundle:
    """A good bundle whose material a function has changed."""
    bundle = copy.deepcopy(WORLD.bundle(BODY))
    change(bundle["verificationMaterial"])
    return bundle
