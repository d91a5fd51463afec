"""What reaches the builder: the sources and nothing that is nobody's business."""

import pytest

from tests.image.instructions import in_context


@pytest.mark.parametrize(
    "path",
    [
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "requirements/runtime.txt",
        "requirements/dev.txt",
        "webhook/__init__.py",
        "webhook/py.typed",
        "webhook/server/run.py",
    ],
)
def test_what_the_build_needs_is_sent(path: str) -> None:
    assert in_context(path)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".gitignore",
        ".venv/bin/python",
        ".env",
        "Dockerfile",
        "build/tools/etcd",
        "charts/execution-evidence-gate/values.yaml",
        "docs/architecture.md",
        "requirements/notes.md",
        "staging.pem",
        "tests/server/test_start.py",
        "tls.key",
        "webhook/__pycache__/limits.cpython-313.pyc",
        "webhook/server/__pycache__/run.cpython-313.pyc",
        "webhook/server/tls.key",
        "webhook/staging.pem",
    ],
)
def test_tests_history_keys_and_byte_code_stay_here(path: str) -> None:
    assert not in_context(path)
