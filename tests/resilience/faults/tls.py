"""TLS as providers have it: a certificate that clients trust, and one that they do not."""

import datetime as dt
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from custom_components.rtvoice.engine.providers.openai.dialect import Timeouts
from tests.resilience.proxy import Proxy

from .names import HOST, NamedProvider, Names
from .scene import TIMEOUTS, Provider


class Certificates:
    """A server's own certificate and a stranger's, and a client that trusts the first."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            own, stranger = (_certificate(Path(folder), name) for name in ("own", "stranger"))
            self.own = _serving(own)
            self.stranger = _serving(stranger)
            self.trusting = ssl.create_default_context(cafile=own)

    @classmethod
    @cache
    def get(cls) -> Self:
        """The same for all."""
        return cls()

    @staticmethod
    def provider(proxy: Proxy, timeouts: Timeouts = TIMEOUTS) -> Provider:
        """A provider behind TLS."""
        certificates = Certificates.get()
        proxy.tls = certificates.own
        names = Names({HOST: "127.0.0.1"})
        return NamedProvider(f"https://{HOST}:{proxy.port}/v1", names, timeouts, ssl=certificates.trusting)


def _serving(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path
