"""Which objects other rules would read: `workloads` and `evaluateScaleUp` decide that before images are looked at."""

from webhook.admission.pods import SCALE, WorkloadNotReadableError, require_workload
from webhook.admission.replay.failure import CannotReplayError, Missing
from webhook.admission.replay.recorded import Content
from webhook.admission.review import Kind
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings

_SWITCHED_OFF = ("is not in the gate's configured workloads", "and evaluateScaleUp is off")


def unreadable_now(content: Content, settings: Settings) -> str | None:
    """Tells whether an object that could be read then could not be read now.

    Args:
        content: The record.
        settings: The other rules.

    Returns:
        Why it could not, in one clause; None if it could, or could not be read then either.
    """
    request, overall = content.request, content.overall
    if request.operation == "DELETE" or (overall is not None and overall.result.reason is not _UNCHANGED):
        return None
    if request.sub_resource == SCALE:
        return None if settings.file.evaluate_scale_up else f"a Scale shows no image, {_SWITCHED_OFF[1]}"
    try:
        if not request.sub_resource:
            kind = Kind(group=request.group, version=request.version, kind=request.kind)
            require_workload(kind, settings.file.workloads)
    except WorkloadNotReadableError as error:
        return str(error)
    # Places in another object than the request's begin with its kind and name.
    origins = {field.partition("/")[0] for image in content.images for field in image.place.fields if ": " in field}
    missing = sorted(origins - set(settings.file.workloads))
    return f"the {request.kind} takes its pods from a {missing[0]}, which {_SWITCHED_OFF[0]}" if missing else None


def what_was_unreadable(content: Content, found: str, settings: Settings) -> None:
    """Makes sure that an object that could not be read then could not be read now either.

    Args:
        content: The record.
        found: Why it could not.
        settings: The other rules.

    Raises:
        CannotReplayError: It might.
    """
    if not found.endswith(_SWITCHED_OFF):
        return
    words = set(found.replace(",", "").split())
    named = {kind for kind in settings.file.workloads if kind in words or kind == content.request.kind}
    if named or settings.file.evaluate_scale_up:
        raise CannotReplayError(Missing("the object was not read then, so its images are not recorded"))


_UNCHANGED = ReasonCode.IMAGES_UNCHANGED
