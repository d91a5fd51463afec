"""Reads a key pair that cosign keeps in a Kubernetes Secret.

Source: `cosign generate-key-pair k8s://NAMESPACE/NAME`: members `cosign.key`, `cosign.password` and `cosign.pub`.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webhook.errors import ConfigurationError, UnavailableError
from webhook.limits import LIMITS
from webhook.trust.keys import KeyNotSupportedError

KEY_MEMBER = "cosign.key"
PASSPHRASE_MEMBER = "cosign.password"  # noqa: S105 - the member's name, no password

_PATH = re.compile(
    r"(?P<namespace>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)/(?P<name>[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)"
)
_REFUSED = {
    401: "the API server does not know this account",
    403: "this account may not read it; it needs the verb `get` on this Secret",
    404: "there is no such Secret; `cosign generate-key-pair k8s://NAMESPACE/NAME` makes one",
}


@dataclass(frozen=True, slots=True)
class SecretKey:
    """What a Secret holds.

    Attributes:
        key: The key file.
        passphrase: What it is encrypted with, or None if the Secret does not say.
    """

    key: bytes = field(repr=False)
    passphrase: bytes | None = field(repr=False)


def read_secret_key(path: str, kubeconfig: Path | None) -> SecretKey:
    """Reads a key from a Secret, with one request.

    Args:
        path: `NAMESPACE/NAME`.
        kubeconfig: Leads to the API server; None means the pod's own account.

    Returns:
        The key and its passphrase.

    Raises:
        KeyNotSupportedError: There is no such Secret, it may not be read, it holds no key, or nothing leads to an API
            server.
        UnavailableError: The API server cannot be asked.
    """
    named = _PATH.fullmatch(path)
    if named is None:
        raise KeyNotSupportedError("write k8s://NAMESPACE/NAME, the names of a namespace and of a Secret")
    secret = asyncio.run(_fetch(f"/api/v1/namespaces/{named['namespace']}/secrets/{named['name']}", kubeconfig))
    data = secret.get("data")
    members = data if isinstance(data, dict) else {}
    key = _member(members, KEY_MEMBER)
    if not key:
        raise KeyNotSupportedError(f"the Secret has no member {KEY_MEMBER}")
    return SecretKey(key, _member(members, PASSPHRASE_MEMBER))


async def _fetch(path: str, kubeconfig: Path | None) -> dict[str, Any]:
    # Only who keeps a key in a Secret pays for the client.
    from webhook.kube.api_errors import ApiError, ApiStatusError  # noqa: PLC0415 - see above
    from webhook.kube.opening import open_client  # noqa: PLC0415 - see above

    try:
        async with open_client(kubeconfig) as client:
            return await client.get(path, (), LIMITS.pull_secret_bytes)
    except ConfigurationError as error:
        raise KeyNotSupportedError(str(error)) from None
    except ApiStatusError as error:
        if error.status in _REFUSED:
            raise KeyNotSupportedError(_REFUSED[error.status]) from None
        raise UnavailableError(f"the Secret cannot be read: {error.detail}") from None
    except ApiError as error:
        raise UnavailableError(f"the Secret cannot be read: {error.detail}") from None


def _member(members: Mapping[str, object], name: str) -> bytes | None:
    encoded = members.get(name)
    if not isinstance(encoded, str):
        return None
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise KeyNotSupportedError(f"the Secret's member {name} is not Base64") from None
    if len(content) > LIMITS.key_bytes:
        raise KeyNotSupportedError(f"the Secret's member {name} is larger than {LIMITS.key_bytes} bytes")
    return content
