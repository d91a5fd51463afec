"""What is read to reach a collector, and what is said when it cannot be used."""

from pathlib import Path

import pytest

from webhook.errors import ConfigurationError
from webhook.records.destination import Destination

BAD_TOKENS = [b"", b"two words", b"a\nb", b"\xff", b"x" * 5000]


@pytest.mark.parametrize("content", BAD_TOKENS)
def test_a_file_without_one_token_is_no_token_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    destination = Destination("https://collector.example.com/", None, tmp_path / "token", 1.0)
    with pytest.raises(ConfigurationError, match=r"records\.collector\.tokenFile") as caught:
        destination.headers()
    assert "words" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_file_without_certificates_is_no_authority(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"records\.collector\.caFile"):
        Destination("https://collector.example.com/", tmp_path / "ca", None, 1.0).context()
