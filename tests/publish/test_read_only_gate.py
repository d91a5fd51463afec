"""The gate cannot write to a registry, whatever is asked of its client."""

import subprocess
import sys
from pathlib import Path

from yarl import URL

from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import PATH, QUICK, plain
from webhook.publish.transport import Write
from webhook.settings.stores import RegistryHostSettings
from webhook.stores.registry.transport.transport import Transport


async def test_its_transport_makes_a_reading_request_of_one_that_writes() -> None:
    async with RegistrySimulator() as registry:
        hosts = {registry.host: RegistryHostSettings.model_validate(plain())}
        transport = Transport(hosts, Path(), lambda _: None, QUICK)
        url = URL(f"{registry.url}/v2/{PATH}/manifests/1.0")
        try:
            await transport.ask(Write(registry.host, "manifest", url, 1000, content=b"{}"))
        finally:
            await transport.close()
        assert [seen.method for seen in registry.seen] == ["GET"]


def test_neither_the_webhook_nor_the_operator_loads_what_writes() -> None:
    code = "import sys, webhook.server.run, webhook.operator.run; print([m for m in sys.modules if 'publish' in m])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
