"""What is only there with the extra `keyless`, and what is said where it is not."""

from types import ModuleType


class KeylessNotInstalledError(ValueError):
    """The libraries of the extra `keyless` are not installed; the text says what to do."""

    def __init__(self) -> None:
        super().__init__("needs the extra `keyless`; install `execution-evidence-gate[keyless]`")


def load_re2() -> ModuleType:
    """Gives google-re2, loaded at the first call: 2 MiB that only regular expressions of identities need.

    Returns:
        The module `re2`.

    Raises:
        KeylessNotInstalledError: It is not installed.
    """
    try:
        import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types; of the extra, not always needed
    except ImportError:
        raise KeylessNotInstalledError from None
    module: ModuleType = re2
    return module


def load_sigstore() -> ModuleType:
    """Gives sigstore's verifier, loaded at the first call: 14 MiB and a quarter of a second.

    Returns:
        The module `sigstore.verify`; `sigstore.models` and `sigstore_models.trustroot.v1` are loaded with it.

    Raises:
        KeylessNotInstalledError: It is not installed.
    """
    try:
        import sigstore.verify  # noqa: PLC0415 - of the extra, not always needed
    except ImportError:
        raise KeylessNotInstalledError from None
    return sigstore.verify
