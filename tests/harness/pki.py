"""The control plane's certificates and kubeconfigs."""

import json
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class Pki:
    """One authority that signs the API server's certificate and every user's.

    Attributes:
        ca_file: The authority's certificate.
        ca_pem: The same, as bytes.
        serving: The API server's certificate, chain and key in one PEM file.
        service_account_key: The key that signs service account tokens.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        """Makes everything.

        Args:
            folder: An existing folder.
            names: What the API server is called, instead of the loopback's names.
        """
        self._folder = folder
        self._authority = trustme.CA(organization_name="test-control-plane")
        self.ca_pem = self._authority.cert_pem.bytes()
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.ca_pem)
        self.serving = self.server("apiserver", *(names or ("127.0.0.1", "localhost", "kubernetes.default.svc")))
        self.service_account_key = folder / "service-accounts.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        self.service_account_key.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )

    def server(self, stem: str, *names: str) -> Path:
        """Makes a server's certificate.

        Args:
            stem: The name of its file.
            names: The server's names and addresses.

        Returns:
            Chain and key in one PEM file.
        """
        path = self._folder / f"{stem}.pem"
        self._authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def user(self, user: str, group: str | None = None) -> Path:
        """Makes a client's certificate.

        Args:
            user: The user's name.
            group: The user's group, or None.

        Returns:
            Chain and key in one PEM file.
        """
        stem = user.replace(":", "-")
        path = self._folder / f"{stem}.pem"
        certificate = self._authority.issue_cert(f"{stem}.test", common_name=user, organization_name=group)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def kubeconfig(self, url: str, user: str, group: str | None = None) -> Path:
        """Makes a user, and a kubeconfig around the certificate.

        Args:
            url: The API server's URL.
            user: The user's name.
            group: The user's group, or None.

        Returns:
            The kubeconfig.
        """
        identity = self.user(user, group)
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(self.ca_file)}}],
            "users": [{"name": user, "user": {"client-certificate": str(identity), "client-key": str(identity)}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        path = self._folder / f"{identity.stem}.kubeconfig"
        path.write_text(json.dumps(content))
        return path
