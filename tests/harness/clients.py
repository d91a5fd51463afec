"""Clients of the webhook with certificates, in more ways to be wrong than trustme knows."""

import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.docs.console import ROOT
from tests.docs.tables import section

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
API_SERVER = "kube-apiserver"
_DAY = timedelta(days=1)
_numbers = itertools.count(1)


class ClientAuthority:
    """Signs clients' certificates.

    Attributes:
        pem: Its own certificate.
    """

    def __init__(self, issuer: "ClientAuthority | None" = None, *, is_authority: bool = True) -> None:
        """Makes key and certificate.

        Args:
            issuer: Who signs it; by default it signs itself.
            is_authority: What its certificate says; a pretender's says no.
        """
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"authority {next(_numbers)}")
        self._chain: tuple[x509.Certificate, ...] = ()
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        by = issuer or self
        self._certificate = by._sign(self._name, self._key.public_key(), [(constraints, True)], _DAY)
        if issuer is not None:
            self._chain = (self._certificate, *issuer._chain)
        self.pem = self._certificate.public_bytes(Encoding.PEM)

    def identity(
        self,
        folder: Path,
        common_name: str | None = API_SERVER,
        *,
        dns: Sequence[str] = (),
        usages: Sequence[x509.ObjectIdentifier] = (CLIENT,),
        life: timedelta = _DAY,
    ) -> Path:
        """Makes a client.

        Args:
            folder: Gets the file.
            common_name: The subject's, or None for an empty subject.
            dns: Alternative names.
            usages: Its extended key usages; none: the certificate does not speak of them.
            life: How long from now it is valid; below zero: how long ago it ended.

        Returns:
            A new PEM file: key, certificate, and what leads to the authority that signed itself.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        extensions: list[tuple[x509.ExtensionType, bool]] = []
        if dns:
            names = x509.SubjectAlternativeName([x509.DNSName(name) for name in dns])
            extensions.append((names, common_name is None))
        if usages:
            extensions.append((x509.ExtendedKeyUsage(usages), False))
        subject = _name(common_name) if common_name is not None else x509.Name([])
        certificate = self._sign(subject, key.public_key(), extensions, life)
        path = folder / f"client-{next(_numbers)}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, *self._chain)))
        return path

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
        life: timedelta,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        builder = builder.not_valid_before(now - 2 * _DAY).not_valid_after(now + life)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, SHA256())


def admission_config(folder: Path, target: str, identity: Path) -> Path:
    """Writes what gives API servers a certificate, as docs/install.md shows it.

    Args:
        folder: Gets the two files.
        target: The webhook, as the kubeconfig names it.
        identity: The certificate and its key.

    Returns:
        The file for `--admission-control-config-file`.
    """
    page = section((ROOT / "docs" / "install.md").read_text("utf-8"), "### Let the API server alone ask")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    configuration, kubeconfig = (yaml.safe_load(block) for block in blocks)
    [user] = kubeconfig["users"]
    user["name"] = target
    user["user"] = dict.fromkeys(user["user"], str(identity))
    configuration["plugins"][0]["configuration"]["kubeConfigFile"] = str(folder / "webhooks.kubeconfig")
    (folder / "webhooks.kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    (folder / "admission.yaml").write_text(yaml.safe_dump(configuration))
    return folder / "admission.yaml"


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
