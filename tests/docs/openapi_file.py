"""The OpenAPI document as a file of docs/contracts; `python -m tests.docs.openapi_file` writes it anew."""

import json

from tests.docs.console import ROOT
from webhook.server.query.openapi import openapi_document

FILE = ROOT / "docs" / "contracts" / "evidence-query-v1.openapi.json"


def text() -> str:
    """Gives what the file should hold."""
    return json.dumps(openapi_document(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
