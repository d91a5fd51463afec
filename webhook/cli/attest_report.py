"""What `evidence-gate attest --dry-run` prints."""

from collections.abc import Iterator
from pathlib import Path

from webhook.attest.builder import hottest
from webhook.attest.counted import Counted
from webhook.attest.counting import CALL_PATH_RULES, DISTINCT_PATHS, HOT_SYMBOL_RULES, LEAF_SHARE
from webhook.cli.attest_options import fail
from webhook.errors import ConfigurationError
from webhook.gates.execution_evidence import evaluate
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model.gate import HAS_EVIDENCE, HOT_SYMBOL_COUNT, UNIQUE_CALL_PATHS, GateContext
from webhook.model.printable import printable
from webhook.settings.loading import load_settings

_TOP = 20
_NAME = 70


def report(counted: Counted, config: Path | None, environment: str | None) -> str:
    """Describes what a profile gives.

    Args:
        counted: What counts.
        config: A configuration to compare with, or None.
        environment: Where the image was watched, if that is known already.

    Returns:
        The text, without a final line feed.

    Raises:
        click.BadParameter: The configuration is not valid.
    """
    lines = [*_measured(counted), "", *_counts(counted), "", *_top(counted)]
    if config is not None:
        lines += ["", *_verdicts(counted, _policy(config), environment)]
    return "\n".join(lines)


def _measured(counted: Counted) -> Iterator[str]:
    whole = counted.profile.total
    yield f"measured: {whole} {printable(counted.profile.measure, _NAME)}"
    yield f"counts:   {counted.total} ({_percent(counted.total, whole)})"
    for name, value in counted.left_out.items():
        yield f"left out: {value} ({_percent(value, whole)}) by {name}"


def _counts(counted: Counted) -> Iterator[str]:
    for name, hot in HOT_SYMBOL_RULES.items():
        yield f"hot symbols: {len(hot(counted)):>8}  {name}{_signed(name == LEAF_SHARE)}"
    for name, paths in CALL_PATH_RULES.items():
        yield f"call paths:  {paths(counted):>8}  {name}{_signed(name == DISTINCT_PATHS)}"


def _signed(chosen: bool) -> str:  # noqa: FBT001 - one caller, one meaning
    return "  (this one is signed)" if chosen else ""


def _top(counted: Counted) -> Iterator[str]:
    yield "share     hot symbol"
    hot = hottest(HOT_SYMBOL_RULES[LEAF_SHARE](counted), counted.total)
    for entry in hot[:_TOP]:
        yield f"{100 * entry['share']:6.2f} %  {printable(entry['symbol'], _NAME)}"
    if len(hot) > _TOP:
        yield f"          and {len(hot) - _TOP} more"
    if not hot:
        yield "          none: the program was not seen doing anything for long enough"


def _policy(path: Path) -> ExecutionEvidencePolicy:
    try:
        return load_settings(path).policy
    except ConfigurationError as error:
        fail("config", str(error))


def _verdicts(counted: Counted, policy: ExecutionEvidencePolicy, environment: str | None) -> Iterator[str]:
    """Asks the gate itself, for each environment that requires evidence."""
    counts = {
        HOT_SYMBOL_COUNT: str(len(HOT_SYMBOL_RULES[LEAF_SHARE](counted))),
        UNIQUE_CALL_PATHS: str(CALL_PATH_RULES[DISTINCT_PATHS](counted)),
    }
    for target in policy.required_environments:
        accepted = policy.for_environment(target).evidence_environments
        known = environment is None or environment.casefold() in {name.casefold() for name in accepted}
        result = evaluate(policy, GateContext(target, counts | {HAS_EVIDENCE: str(known).lower()}))
        yield f"{target}: {result.result}: {result.message}"
        if not known:
            yield f"  evidence from {environment} does not count there, only from {', '.join(accepted)}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
