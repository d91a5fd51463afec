"""The simulator asks for credentials as real registries do: a real client logs in to it."""

import asyncio
from pathlib import Path

import pytest

from tests.simulators.access import Access
from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import PATH, Authority
from tests.tools.build import program

pytestmark = pytest.mark.integration

USERS = {"ann": "s3cret"}
PASSWORD = ("--username=ann", "--password=s3cret")
SECONDS = 30


async def _fetch(registry: RegistrySimulator, authority: Authority, folder: Path, *flags: str) -> bytes | None:
    """Reads the manifest `1.0` with oras; None if it could not."""
    image = f"{registry.host}/{PATH}:1.0"
    ca_file = f"--ca-file={authority.ca_file}"
    oras = await asyncio.create_subprocess_exec(
        program("oras"),
        "manifest",
        "fetch",
        ca_file,
        *flags,
        image,
        env={"HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        output, _ = await oras.communicate()
    return output if oras.returncode == 0 else None


@pytest.mark.parametrize(
    ("access", "flags"),
    [
        (Access(USERS, bearer=False), PASSWORD),
        (Access(USERS), PASSWORD),
        (Access(anonymous=True), ()),
        (Access(identity_tokens={"refresh": "ann"}), ("--identity-token=refresh",)),
    ],
    ids=["Basic", "token by password", "token for nobody", "token by identity token"],
)
async def test_real_client_gets_in(access: Access, flags: tuple[str, ...], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with RegistrySimulator(authority.server(), access) as registry:
        digest = registry.add_manifest(PATH, {"schemaVersion": 2}, "1.0")
        assert await _fetch(registry, authority, tmp_path, *flags) == registry.manifests[PATH, digest][1]


@pytest.mark.parametrize("bearer", [True, False])
async def test_real_client_with_a_wrong_password_does_not(
    bearer: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    async with RegistrySimulator(authority.server(), Access(USERS, bearer=bearer)) as registry:
        registry.add_manifest(PATH, {"schemaVersion": 2}, "1.0")
        assert await _fetch(registry, authority, tmp_path, "--username=ann", "--password=wr0ng") is None
        assert registry.seen
