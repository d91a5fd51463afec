"""Trust policies that believe identities."""

from tests.simulators.sigstore import Sigstore, root_bytes
from tests.simulators.sigstore_certificates import ISSUER, SUBJECT
from webhook.model.pattern import RepositoryPattern
from webhook.trust.identity import TextRule, TrustedIdentity
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import TrustedRoot


def identity(
    subject: TextRule | str = SUBJECT,
    issuer: TextRule | str = ISSUER,
    name: str = "robot",
    environments: set[str] | None = None,
    pattern: str | None = None,
) -> TrustedIdentity:
    """An identity; texts are meant exactly."""
    rules = [TextRule(rule) if isinstance(rule, str) else rule for rule in (issuer, subject)]
    bound = None if environments is None else frozenset(environments)
    patterns = None if pattern is None else (RepositoryPattern.parse(pattern),)
    return TrustedIdentity(name, rules[0], rules[1], bound, patterns)


def believing(sigstore: Sigstore | bytes, *identities: TrustedIdentity, threshold: int = 1) -> TrustPolicy:
    """A policy without keys; by default with the identity that the simulator certifies."""
    content = root_bytes(sigstore) if isinstance(sigstore, Sigstore) else sigstore
    return TrustPolicy((), threshold, identities=identities or (identity(),), root=TrustedRoot.load(content))
