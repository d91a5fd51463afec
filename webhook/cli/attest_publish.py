"""Where else `evidence-gate attest` brings the evidence: beside the image in its registry, and into the cluster."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from webhook.attest.signing.signed import SignedEvidence
from webhook.cli.attest_options import fail
from webhook.cli.options import REGISTRY_SCHEME
from webhook.errors import ConfigurationError, UnavailableError
from webhook.model.image import ImageReference
from webhook.publish.failure import PublishError

if TYPE_CHECKING:
    from webhook.publish.registry import RegistryPublisher

_LAYOUTS = ("referrer", "cosign")
_F = TypeVar("_F", bound=Callable[..., Any])


class PublishOptions(TypedDict):
    """What `publish_options` adds to the command line."""

    push: bool
    layout: str | None
    registry_insecure: bool | None
    apply: bool


def publish_options(command: _F) -> _F:
    """Adds the options that say where the evidence is published.

    Args:
        command: The command's function.

    Returns:
        The same, with the options.
    """
    for option in (
        click.option("--apply", is_flag=True, help="Put the evidence into the cluster, as an ExecutionEvidence."),
        REGISTRY_SCHEME,
        click.option(
            "--layout",
            type=click.Choice(_LAYOUTS),
            help="With --push: a Sigstore bundle that refers to the image (the default), or the tag `.att`.",
        ),
        click.option("--push", is_flag=True, help="Push the evidence to the image's registry, beside the image."),
    ):
        command = option(command)
    return command


def check_publish(options: PublishOptions, image: ImageReference, kubeconfig: Path | None) -> None:
    """Checks, before there is anything to lose, what can be known beforehand.

    Args:
        options: The command line.
        image: The image.
        kubeconfig: The cluster, or None.

    Raises:
        click.UsageError: It makes no sense, or a file that is needed cannot be used.
    """
    for name in ("layout", "registry_insecure"):
        if options.get(name) is not None and not options["push"]:
            fail(name.replace("_", "-"), "it is for --push")
    if options["apply"] and kubeconfig is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        fail("apply", "name the cluster by --kubeconfig; only a pod knows its own")
    if options["push"]:
        try:
            publisher(options, image)
        except ConfigurationError as error:
            fail("push", str(error))


def publish(
    evidence: SignedEvidence, image: ImageReference, options: PublishOptions, kubeconfig: Path | None
) -> list[str]:
    """Publishes evidence wherever the command line says; what fails in one place does not keep it from another.

    Args:
        evidence: What was signed.
        image: The image that it is about, with its digest.
        options: The command line, checked.
        kubeconfig: The cluster, or None for the pod's own.

    Returns:
        What failed, one clause a place; standard error says where it did not.
    """
    failures: list[str] = []
    if options["push"]:
        _attempt("not pushed", _push(evidence, image, options), failures)
    if options["apply"]:
        _attempt("not applied", _apply(evidence, kubeconfig), failures)
    return failures


def _attempt(word: str, work: Coroutine[Any, Any, str], failures: list[str]) -> None:
    try:
        click.echo(asyncio.run(work), err=True)
    except UnavailableError as error:
        failures.append(f"{word}: {error.detail}")
    except (ConfigurationError, PublishError) as error:
        failures.append(f"{word}: {error}")


async def _push(evidence: SignedEvidence, image: ImageReference, options: PublishOptions) -> str:
    from webhook.publish.registry import Layout  # noqa: PLC0415 - takes an HTTP client's time to import

    made = publisher(options, image)
    try:
        pushed = await made.push(image, evidence, Layout(options["layout"] or Layout.REFERRER))
    finally:
        await made.close()
    where = "" if pushed.tag is None else f", listed at the tag {pushed.tag}"
    if pushed.too_many:
        where += f"; that list has {pushed.listed} entries, of which the gate may not come to this one"
    return f"pushed: {pushed.repository}@{pushed.digest}{where}"


async def _apply(evidence: SignedEvidence, kubeconfig: Path | None) -> str:
    from webhook.kube.opening import open_client  # noqa: PLC0415 - as above
    from webhook.publish.resource import apply_evidence  # noqa: PLC0415 - as above

    async with open_client(kubeconfig) as client:
        applied = await apply_evidence(client, evidence)
    return f"applied: ExecutionEvidence {applied.name}{'' if applied.created else ', which was there already'}"


def publisher(options: PublishOptions, image: ImageReference) -> "RegistryPublisher":
    """Makes what pushes to an image's own registry. Nothing is connected to yet.

    Args:
        options: The command line.
        image: The image.

    Returns:
        The publisher, with the user's Docker credentials.

    Raises:
        ConfigurationError: Those cannot be used.
    """
    from webhook.cli.own_registry import own_registry  # noqa: PLC0415 - as above
    from webhook.publish.registry import RegistryPublisher  # noqa: PLC0415 - as above

    return RegistryPublisher(own_registry(image.repository, insecure=options["registry_insecure"]), Path("/"))
