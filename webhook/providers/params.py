"""The params of a query about signed statements."""

from functools import lru_cache
from typing import Any

from webhook.limits import LIMITS
from webhook.model.image import is_digest
from webhook.providers.answers import AnswerKey

_PARAM_NAMES = frozenset({"image_digest", "repository", "environment"})


def read_params(params: Any) -> AnswerKey | None:
    """Reads the params of a query.

    Args:
        params: As they came.

    Returns:
        What is asked; None if they do not follow the contract.
    """
    if not isinstance(params, dict) or not params.keys() <= _PARAM_NAMES:
        return None
    digest, repository = params.get("image_digest"), params.get("repository")
    environment = params.get("environment")
    if not isinstance(digest, str) or not isinstance(environment, str):
        return None
    if repository is not None and not isinstance(repository, str):
        return None
    if len(environment) > LIMITS.environment_characters or len(repository or "") > LIMITS.reference_characters:
        # What was asked is remembered with the answer.
        return None
    return AnswerKey(digest, repository, environment, asked_all=True) if _is_known_digest(digest) else None


_is_known_digest = lru_cache(maxsize=LIMITS.answers_at_hand)(is_digest)
"""`is_digest`, remembered: the same few digests are asked for all day."""
