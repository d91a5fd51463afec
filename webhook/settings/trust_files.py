"""What the section `trust` becomes, with the files that it names."""

from pathlib import Path

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.model.pattern import RepositoryPattern
from webhook.settings.trust import TrustedIdentitySettings, TrustedKeySettings, TrustSettings
from webhook.trust.extra import KeylessNotInstalledError
from webhook.trust.identity import PatternError, TextRule, TrustedIdentity
from webhook.trust.keys import KeyNotSupportedError, PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.root import ROOT_BYTES, TrustedRoot, TrustedRootError


def load_trust(section: TrustSettings, path: Path) -> TrustPolicy:
    """Reads what the section names.

    Args:
        section: The section.
        path: The configuration file, for relative paths and errors.

    Returns:
        The policy.

    Raises:
        ConfigurationError: A file, a regular expression or the threshold cannot be used.
    """
    keys = tuple([_key(entry, index, path) for index, entry in enumerate(section.keys)])
    identities = tuple([_identity(entry, index, path) for index, entry in enumerate(section.identities)])
    root = _root(section, path)
    distinct = len({entry.key.key_id for entry in keys})
    # A bundle that an identity signed has one signature, so identities alone never make two signers.
    if (keys or identities) and section.threshold > max(distinct, min(len(identities), 1)):
        besides = ", and a bundle that an identity signed has one signer" if identities else ""
        raise ConfigurationError(f"{path}: trust.threshold is higher than the number of distinct keys{besides}")
    types = TrustPolicy().predicate_types if section.predicate_types is None else frozenset(section.predicate_types)
    return TrustPolicy(keys, section.threshold, types, identities, root)


def remarks_on_trust(section: TrustSettings, policy: TrustPolicy) -> list[str]:
    """Finds what is valid and yet hardly meant.

    Args:
        section: The section.
        policy: What became of it.

    Returns:
        One sentence each.
    """
    remarks = [
        f"trust.identities {entry.name!r}: {entry.remark}" for entry in policy.identities if entry.remark is not None
    ]
    if policy.identities and policy.threshold > 1:
        remarks.append(
            "trust.threshold is above 1: a bundle that an identity signed has one signer and never counts."
        )
    if section.trusted_root is not None and not policy.identities:
        remarks.append("trust.trustedRoot is set and trust.identities is empty: no certificate counts.")
    return remarks


def _key(entry: TrustedKeySettings, index: int, path: Path) -> TrustedKey:
    where = f"{path}: trust.keys[{index}].file {str(entry.file)!r}"
    try:
        key = PublicKey.from_pem(read_capped(path.parent / entry.file, LIMITS.key_bytes))
    except KeyNotSupportedError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    except (OSError, ValueError):
        raise ConfigurationError(f"{where}: cannot be read") from None
    return TrustedKey(entry.name, key, _environments(entry), _repositories(entry))


def _identity(entry: TrustedIdentitySettings, index: int, path: Path) -> TrustedIdentity:
    rules = []
    for name, exact, pattern in (
        ("issuer", entry.issuer, entry.issuer_reg_exp),
        ("subject", entry.subject, entry.subject_reg_exp),
    ):
        try:
            rules.append(TextRule.pattern(pattern or "") if exact is None else TextRule(exact))
        except (PatternError, KeylessNotInstalledError) as error:
            raise ConfigurationError(f"{path}: trust.identities[{index}].{name}RegExp: {error}") from None
    issuer, subject = rules
    return TrustedIdentity(entry.name, issuer, subject, _environments(entry), _repositories(entry))


def _root(section: TrustSettings, path: Path) -> TrustedRoot | None:
    """Reads the trusted root where it is of use: only then are the libraries needed that read it."""
    if not section.identities:
        return None
    if section.trusted_root is None:
        raise ConfigurationError(
            f"{path}: trust.identities needs trust.trustedRoot, the `trusted_root.json` of the Sigstore that "
            "certifies them"
        )
    where = f"{path}: trust.trustedRoot {str(section.trusted_root)!r}"
    try:
        return TrustedRoot.load(read_capped(path.parent / section.trusted_root, ROOT_BYTES))
    except (TrustedRootError, KeylessNotInstalledError) as error:
        raise ConfigurationError(f"{where}: {error}") from None
    except (OSError, ValueError):
        raise ConfigurationError(f"{where}: cannot be read, or is larger than 1 MiB") from None


def _environments(entry: TrustedKeySettings | TrustedIdentitySettings) -> frozenset[str] | None:
    return None if entry.environments is None else frozenset(name.casefold() for name in entry.environments)


def _repositories(entry: TrustedKeySettings | TrustedIdentitySettings) -> tuple[RepositoryPattern, ...] | None:
    if entry.repositories is None:
        return None
    return tuple([RepositoryPattern.parse(pattern) for pattern in entry.repositories])
