"""Certificates of every shape that a test needs to be refused, or accepted."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = datetime.timedelta(hours=1)
LOOPBACK = ipaddress.ip_address("127.0.0.1")


def _pem_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _name(common_name, organization=None):
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    parts += [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    return x509.Name(parts)


def fingerprint(path):
    """SHA-256 of the DER of a certificate file, in hexadecimal."""
    certificate = x509.load_pem_x509_certificate(pathlib.Path(path).read_bytes())
    return certificate.fingerprint(hashes.SHA256()).hex()


class Ca:
    """A certificate authority of a test's own, or one that lies in files."""

    def __init__(self, common_name="Test CA", organization=None, above=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(common_name, organization)
        self.certificate = (above or self)._sign(
            self.key, subject, above.certificate.subject if above else subject,
            (-HOUR, 24 * HOUR), [(x509.BasicConstraints(ca=True, path_length=None), True)])

    @classmethod
    def load(cls, certificate, key):
        ca = cls.__new__(cls)
        ca.key = serialization.load_pem_private_key(pathlib.Path(key).read_bytes(), None)
        ca.certificate = x509.load_pem_x509_certificate(pathlib.Path(certificate).read_bytes())
        return ca

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def _sign(self, key, subject, issuer, dates, extensions):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now + dates[0]).not_valid_after(now + dates[1]))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, directory, name, uris=(), subject="x", dates=(-HOUR, HOUR), server=False):
        """Writes directory/name.{pem,key}."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        if server:
            names += [x509.DNSName("localhost"), x509.IPAddress(LOOPBACK)]
        extensions = [(x509.ExtendedKeyUsage([usage]), False)]
        if names:
            extensions.append((x509.SubjectAlternativeName(names), not subject))
        certificate = self._sign(key, _name(subject), self.certificate.subject, dates, extensions)
        directory = pathlib.Path(directory)
        (directory / f"{name}.key").write_bytes(_pem_key(key))
        (directory / f"{name}.pem").write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM))
