"""Signatures by the school's own certificate (X.509; RSA, ECDSA or Ed25519), made here or elsewhere: pure.

Signed are the canonical bytes of the close and nothing else, so any tool can make the signature, for example
``openssl dgst -sha256 -sign key.pem -out close.sig close-3.json``. We check that it fits the certificate, that the
certificate may sign, and that it was valid at the moment; who issued it is shown, and for people to judge.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from payments.errors import DomainError

MIN_RSA_BITS = 2048
MIN_CURVE_BITS = 256
SALT_BYTES = 32
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Shown:
    """What people see of a certificate."""

    subject: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_to: datetime


def shown(certificate: bytes) -> Shown:
    """Of a certificate in DER. Raises DomainError ``bad_certificate``."""
    read = _load(certificate)
    return Shown(
        read.subject.rfc4514_string(),
        read.issuer.rfc4514_string(),
        f"{read.serial_number:x}",
        read.not_valid_before_utc,
        read.not_valid_after_utc,
    )


def read_certificate(data: bytes) -> bytes:
    """A certificate file (PEM or DER) as DER. Raises DomainError ``bad_certificate``."""
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data).public_bytes(serialization.Encoding.DER)
    except ValueError as error:
        raise _unreadable() from error
    return _load(data).public_bytes(serialization.Encoding.DER)


def read_key(data: bytes, password: bytes | None) -> tuple[PrivateKey, bytes | None]:
    """A private key (PEM or PKCS#12), and the certificate when the file holds it, as DER.

    Raises DomainError ``bad_key``.
    """
    try:
        pem = b"-----BEGIN" in data
        certificate = None if pem else pkcs12.load_key_and_certificates(data, password)[1]
        key: object = (
            serialization.load_pem_private_key(data, password)
            if pem
            else pkcs12.load_key_and_certificates(data, password)[0]
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise DomainError(
            "bad_key",
            "Không đọc được khóa: tệp không phải PEM hay PKCS#12, hoặc sai mật khẩu.",
            "The key cannot be read: no PEM or PKCS#12 file, or the wrong password.",
        ) from error
    if not isinstance(key, PrivateKey):
        raise DomainError("bad_key", "Khóa phải là RSA, ECDSA hoặc Ed25519.", "The key must be RSA, ECDSA or Ed25519.")
    return key, None if certificate is None else certificate.public_bytes(serialization.Encoding.DER)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """RSA-PSS, ECDSA (both with SHA-256) or Ed25519, by the kind of the key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), SALT_BYTES), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256()))
    return key.sign(message)


def check(certificate: bytes, message: bytes, signature: bytes, moment: datetime) -> str:
    """The algorithm of a right signature, by a certificate that may sign and was valid at that moment.

    Raises DomainError ``bad_certificate``, ``certificate_not_valid``, ``certificate_may_not_sign`` or
    ``signature_differs``.
    """
    read = _load(certificate)
    if not read.not_valid_before_utc <= moment <= read.not_valid_after_utc:
        raise DomainError(
            "certificate_not_valid",
            f"Chứng thư số chỉ có hiệu lực từ {read.not_valid_before_utc:%d/%m/%Y} đến "
            f"{read.not_valid_after_utc:%d/%m/%Y}.",
            f"The certificate is valid from {read.not_valid_before_utc:%Y-%m-%d} to "
            f"{read.not_valid_after_utc:%Y-%m-%d} only.",
        )
    if not _may_sign(read):
        raise DomainError(
            "certificate_may_not_sign",
            "Chứng thư số này không được dùng để ký (key usage).",
            "This certificate is not for signing (key usage).",
        )
    algorithm = algorithm_of(certificate, message, signature)
    if algorithm is None:
        raise DomainError(
            "signature_differs",
            "Chữ ký không khớp với chứng thư số và nội dung cần ký; hãy ký đúng tệp vừa tải về, không sửa.",
            "The signature fits neither certificate nor content; sign the very file that was downloaded.",
        )
    return algorithm


def algorithm_of(certificate: bytes, message: bytes, signature: bytes) -> str | None:
    """By which algorithm the certificate's key signed this message; None: it did not."""
    key = _load(certificate).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            return None
        ways = ((PSS, "RSA-PSS-SHA256"), (padding.PKCS1v15(), "RSA-SHA256"))
        return next((name for way, name in ways if _rsa_holds(key, signature, message, way)), None)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= MIN_CURVE_BITS:
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            return "ECDSA-SHA256"
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return "Ed25519"
    except InvalidSignature:
        return None
    return None


def _rsa_holds(key: rsa.RSAPublicKey, signature: bytes, message: bytes, way: padding.AsymmetricPadding) -> bool:
    try:
        key.verify(signature, message, way, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _may_sign(read: x509.Certificate) -> bool:
    """A certificate without the extension may do anything (RFC 5280, 4.2.1.3)."""
    try:
        usage = read.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except (ValueError, x509.DuplicateExtension):
        return False  # What it may do cannot be read.
    return usage.digital_signature or usage.content_commitment


def _load(certificate: bytes) -> x509.Certificate:
    """Everything that is asked of it later is asked here: some parts are read only when they are needed."""
    try:
        read = x509.load_der_x509_certificate(certificate)
        _ = (read.public_key(), read.subject, read.issuer, read.not_valid_before_utc, read.not_valid_after_utc)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable() from error
    return read


def _unreadable() -> DomainError:
    return DomainError(
        "bad_certificate",
        "Không đọc được chứng thư số: tệp phải là X.509 (PEM hoặc DER).",
        "The certificate cannot be read: it must be X.509 (PEM or DER).",
    )
