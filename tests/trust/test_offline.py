"""The verifier of certificates gets bytes and asks nobody: no address, no file of the person who runs it."""

import subprocess
import sys
from pathlib import Path

from tests.simulators.sigstore import root_bytes
from tests.support.envelopes import dump
from tests.support.statements import IMAGE
from tests.trust.keyless_cases import BODY, WORLD

CODE = """
import sys
from pathlib import Path
from webhook.trust.identity import TextRule, TrustedIdentity
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import TrustedRoot
from webhook.trust.verify import verify

folder, image = Path(sys.argv[1]), sys.argv[2]
content = (folder / "root.json").read_bytes()
bundles = [file.read_bytes() for file in sorted(folder.glob("bundle-*.json"))]
robot = TrustedIdentity("robot", TextRule("https://issuer.example.com"), TextRule.pattern("robot@.*"))
seen = []
watched = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.mkdir", "os.rename", "os.remove")

def watch(event, arguments):
    if event.startswith(watched):
        seen.append((event, str(arguments)))
    elif event == "open" and isinstance(arguments[0], (str, bytes)):
        path = str(arguments[0])
        # Modules are loaded, and nothing is written.
        if not path.endswith((".py", ".pyc", ".so")) or (arguments[1] or "r")[0] in "wax+":
            seen.append((event, path))

policy = TrustPolicy(identities=(robot,), root=TrustedRoot.load(content))
sys.addaudithook(watch)
policy = TrustPolicy(identities=(robot,), root=TrustedRoot.load(content + b" "))
for bundle in bundles:
    assert verify(bundle, image, None, policy).signers == ("robot",)
print(seen)
"""


def test_a_bundle_is_verified_without_a_socket_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(root_bytes(WORLD))
    for number, bundle in enumerate((WORLD.bundle(BODY), WORLD.bundle_v2(BODY))):
        (tmp_path / f"bundle-{number}.json").write_bytes(dump(bundle))
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-c", CODE, tmp_path, IMAGE],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(home), "HTTPS_PROXY": "http://127.0.0.1:1", "PATH": ""},
    )
    assert done.stdout.strip() == "[]"
    assert list(home.iterdir()) == []
