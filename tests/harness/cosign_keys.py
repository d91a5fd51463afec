"""Key pairs as the real cosign makes them, and what it says about evidence that somebody else has signed."""

from pathlib import Path

from tests.harness.command import run
from tests.harness.cosign import PREDICATE_TYPE
from tests.tools.build import program


def generate_key_pair(folder: Path, passphrase: str) -> Path:
    """Runs `cosign generate-key-pair`.

    Args:
        folder: Gets `cosign.key` and `cosign.pub`.
        passphrase: Encrypts the key.

    Returns:
        The private key's file.
    """
    _run(folder, passphrase, "generate-key-pair")
    return folder / "cosign.key"


def import_key_pair(folder: Path, pem: Path, passphrase: str) -> Path:
    """Runs `cosign import-key-pair`, which encrypts somebody's key in cosign's way.

    Args:
        folder: Gets `imported.key` and `imported.pub`.
        pem: The key.
        passphrase: Encrypts it.

    Returns:
        The private key's file.
    """
    _run(folder, passphrase, "import-key-pair", f"--key={pem}", "--output-key-prefix=imported", "--yes")
    return folder / "imported.key"


def generate_key_pair_in_cluster(folder: Path, place: str, passphrase: str, kubeconfig: Path) -> Path:
    """Runs `cosign generate-key-pair k8s://…`.

    Args:
        folder: Gets `cosign.pub`.
        place: `NAMESPACE/NAME` of the Secret.
        passphrase: Encrypts the key.
        kubeconfig: Leads to the API server.

    Returns:
        The public key's file.
    """
    _run(folder, passphrase, "generate-key-pair", f"k8s://{place}", KUBECONFIG=str(kubeconfig))
    return folder / "cosign.pub"


def verify_evidence(
    folder: Path, evidence: Path, public: Path, image_digest: str, kind: str = PREDICATE_TYPE
) -> None:
    """Runs `cosign verify-blob-attestation`.

    Args:
        folder: Its home.
        evidence: A Sigstore bundle if it ends with `.sigstore.json`, else a bare envelope.
        public: The public key's file.
        image_digest: `sha256:` and 64 hexadecimal digits.
        kind: The predicate type that it must have.

    Raises:
        AssertionError: cosign does not accept it; the text holds what it said.
    """
    form = "bundle" if evidence.name.endswith(".sigstore.json") else "signature"
    algorithm, _, digest = image_digest.partition(":")
    subject = (f"--digestAlg={algorithm}", f"--digest={digest}")
    what = (f"--{form}={evidence}", f"--key={public}", f"--type={kind}", "--insecure-ignore-tlog")
    _run(folder, "", "verify-blob-attestation", *what, *subject)


def _run(folder: Path, passphrase: str, *arguments: str, **environment: str) -> None:
    # No Docker login and no TUF cache of the person who runs the tests.
    home = {"HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    run([program("cosign"), *arguments], folder, {"COSIGN_PASSWORD": passphrase, **home, **environment})
