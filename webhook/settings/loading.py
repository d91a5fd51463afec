"""From the configuration file to what the gate works with.

YAML or JSON. An unknown key is an error that names the key and the nearest known one: a misspelt option that is
silently ignored is a gate that somebody believes to be closed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.gates.conditions import Condition
from webhook.gates.policy import Action, ExecutionEvidencePolicy, MinLane, TagPolicy
from webhook.limits import LIMITS
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.canonical_value import canonical_value
from webhook.model.disclosure import Disclosure
from webhook.model.pattern import RepositoryPattern
from webhook.settings.file import SettingsFile
from webhook.settings.remote_files import Remote, load_remotes
from webhook.settings.text import describe_errors, parse_text
from webhook.settings.trust_files import load_trust, remarks_on_trust
from webhook.trust.policy import TrustPolicy


@dataclass(frozen=True, slots=True)
class Settings:
    """What the gate works with: one immutable snapshot, replaced as a whole when the file changes.

    Attributes:
        policy: The gate's section.
        trust: Trusted keys and identities, loaded.
        exempt_images: Patterns, parsed.
        file: The rest as it was written.
        path: The configuration file.
        digest: `sha256:` and 64 hexadecimal digits over everything that influences a verdict.
        store_files: The same over the content of the files that `stores` names; with it the stores are made anew.
        disclosure: What of the evidence may be shown; it changes no verdict.
        conditions: The conditions of all environments.
        remotes: Providers elsewhere, with what their files hold.
    """

    policy: ExecutionEvidencePolicy
    trust: TrustPolicy
    exempt_images: tuple[RepositoryPattern, ...]
    file: SettingsFile
    path: Path
    digest: str
    store_files: str
    disclosure: Disclosure
    conditions: tuple[Condition, ...]
    remotes: tuple[Remote, ...] = ()

    def is_exempt(self, repository: str) -> bool:
        """Tells whether a repository's images need no evidence.

        Args:
            repository: Host and path.

        Returns:
            True if a pattern of `exemptImages` matches.
        """
        return any(pattern.matches(repository) for pattern in self.exempt_images)

    def names(self, environment: str) -> bool:
        """Tells whether an environment is one of the configuration's, so that its name is nobody else's invention.

        Args:
            environment: A target environment; compared without case.

        Returns:
            True if a gate requires it or a condition holds in it.
        """
        return (
            self.policy.requires(environment)
            or self.file.policy_gates.beacon_rate.requires(environment)
            or any(condition.holds_in(environment) for condition in self.conditions)
        )

    def files(self) -> list[Path]:
        """Gives every file that the settings were made from.

        Returns:
            The configuration file, the keys, the trusted root, and what the stores and the remotes read once.
        """
        folder = self.path.parent
        remotes = [folder / file for section in self.file.providers.remote for file in section.files()]
        return [self.path, *self.file.trust.files(folder), *self.file.stores.files(folder), *remotes]

    def remarks(self) -> list[str]:
        """Finds what is valid and yet hardly meant.

        Returns:
            One sentence each, for `config check` and the log.
        """
        beacons = self.file.policy_gates.beacon_rate
        for_beacons = beacons.required_environments if beacons.enabled else ()
        asked_for = dict.fromkeys([*self.policy.required_environments, *for_beacons])
        everywhere = [self.policy, *map(self.policy.for_environment, asked_for)]
        lanes = {policy.min_lane for policy in everywhere}
        nothing_else = not self.conditions and not for_beacons
        remarks = []
        if not any(policy.enabled for policy in everywhere) and nothing_else:
            remarks.append("PolicyGates.ExecutionEvidence.Enabled is false: every image is admitted.")
        if not self.policy.required_environments and nothing_else:
            remarks.append("RequiredEnvironments is empty: every image is admitted.")
        if not self.trust.keys and not self.trust.identities and MinLane.VERIFIED in lanes:
            remarks.append("trust.keys is empty: no evidence can count.")
        remarks += remarks_on_trust(self.file.trust, self.trust)
        remarks += self.file.stores.remarks()
        remarks += self.file.records.remarks()
        remarks += self._remarks_on_remotes()
        if any(p.missing_evidence_action is Action.BLOCK and p.unavailable_action is Action.WARN for p in everywhere):
            remarks.append(
                "UnavailableEvidenceAction is Warn: whoever can make a store fail deploys without evidence."
            )
        if MinLane.ASSERTED in lanes:
            remarks.append("MinLane is Asserted: unsigned evidence counts.")
        if for_beacons and beacons.min_beacon_rate == 0:
            remarks.append("MinBeaconRate is 0: beacon data counts even if no beacon was verified.")
        return remarks

    def _remarks_on_remotes(self) -> list[str]:
        asked = {condition.query.provider_id for condition in self.conditions}
        remarks = []
        for section in self.file.providers.remote:
            where = f"providers.remote {section.id!r}"
            if section.min_lane is MinLane.ASSERTED:
                remarks.append(f"{where}: minLane is Asserted: what it merely says counts.")
            if section.id in asked and not section.namespace_ids:
                remarks.append(f"{where}: namespaceIds is empty: conditions that ask it are never met.")
        return remarks


def load_settings(path: Path) -> Settings:
    """Reads the configuration file and the keys that it names.

    Args:
        path: YAML or JSON, at most `LIMITS.settings_bytes`.

    Returns:
        The settings.

    Raises:
        ConfigurationError: Anything is wrong; the text names the file, the key and what to change, one line each.
    """
    try:
        content = read_capped(path, LIMITS.settings_bytes)
    except (OSError, ValueError):
        raise ConfigurationError(f"{path}: cannot be read, or is larger than 1 MiB") from None
    document = parse_text(content, path)
    try:
        file = SettingsFile.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(describe_errors(error, SettingsFile, path)) from None
    return _assemble(file, path)


def _assemble(file: SettingsFile, path: Path) -> Settings:
    policy, registry = file.policy_gates.execution_evidence, file.stores.registry
    tag_policies = {policy.tag_policy, *(entry.tag_policy for entry in policy.overrides.values())}
    if TagPolicy.RESOLVE in tag_policies and registry is None:
        raise ConfigurationError(f"{path}: TagPolicy Resolve asks a registry for the digest; set stores.registry")
    _check_conditions(file, path)
    trust = load_trust(file.trust, path)
    content: dict[str, Any] = {
        "policy": policy.content,
        "beaconRate": file.policy_gates.beacon_rate.content,
        "trust": trust.digest,
        "exemptImages": list(file.exempt_images),
        "workloads": list(file.workloads),
        "evaluateScaleUp": file.evaluate_scale_up,
        "breakGlass": file.break_glass.content,
        # As a digest, since conditions may hold what settings otherwise do not: fractions, and names in any script.
        "conditions": sha256_digest(canonical_value([entry.content for entry in file.gates.conditions])),
    }
    if registry is not None:
        content["registry"] = registry.content
    if file.providers.env is not None:
        content["env"] = file.providers.env.content
    remotes = load_remotes(file.providers.remote, path)
    if remotes:
        ordered = sorted(remotes, key=lambda remote: remote.section.id)
        content["remotes"] = sha256_digest(canonical_value([remote.content for remote in ordered]))
    patterns = tuple(RepositoryPattern.parse(text) for text in file.exempt_images)
    digest = sha256_digest(canonical_json(content))
    stores = file.stores.files_digest(path.parent)
    conditions = tuple([entry.condition for entry in file.gates.conditions])
    return Settings(policy, trust, patterns, file, path, digest, stores, _disclosure(file), conditions, remotes)


def _check_conditions(file: SettingsFile, path: Path) -> None:
    providers = file.providers.ids
    problems = [
        f"{path}: gates.conditions[{index}].query.provider: there is no provider {entry.query.provider!r}; "
        f"name one of {', '.join(sorted(providers))}, or configure it under `providers`"
        for index, entry in enumerate(file.gates.conditions)
        if entry.query.provider not in providers
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))


def _disclosure(file: SettingsFile) -> Disclosure:
    section = file.disclosure
    return Disclosure(section.allow_raw_values, section.require_provider_opt_in, file.providers.opted_in)
