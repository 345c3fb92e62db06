"""Who vouches for keys, names and times in a Sigstore instance: a certificate authority that writes into a log of
certificates (RFC 6962), and a time-stamping authority (RFC 3161).
"""

import hashlib
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from rfc3161_client._rust import parse_timestamp_request

from tests.keyless.der import identifier, integer, octets, sequence, set_of, tlv

ECDSA = ec.ECDSA(hashes.SHA256())
ISSUER, ISSUER_V2 = "1.3.6.1.4.1.57264.1.1", "1.3.6.1.4.1.57264.1.8"
_SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key) -> bytes:
    """The SubjectPublicKeyInfo of a private key's public half."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def usage(*named: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in named for name in _USAGES})


@dataclass
class Authority:
    """A key and its certificates, its own first and the root's last."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def root(cls, name: str, since: datetime) -> "Authority":
        key = new_key()
        builder = _certificate(name, name, key, key, since)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return cls(key, (_sign(builder.add_extension(usage("key_cert_sign"), critical=True), key),))

    def below(self, name: str, since: datetime, *, stamps_time: bool = False) -> "Authority":
        """Another that this one vouches for: of certificates, or of time stamps."""
        key = new_key()
        builder = _certificate(name, self._name, key, self.key, since)
        if stamps_time:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage("digital_signature"), critical=True)
            builder = builder.add_extension(purpose, critical=True)
        else:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            builder = builder.add_extension(usage("key_cert_sign"), critical=True)
        return Authority(key, (_sign(builder, self.key), *self.chain))

    @property
    def _name(self) -> str:
        return self.chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


@dataclass
class Issuing:
    """Issues short-lived certificates for a key and an identity, as Fulcio does, each with a promise of the log."""

    authority: Authority
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    lifetime: timedelta = timedelta(minutes=10)

    def certify(self, key, identity: str, issuer: str) -> x509.Certificate:
        ours, now = self.authority, datetime.now(UTC).replace(microsecond=0)
        name = x509.RFC822Name if "@" in identity else x509.UniformResourceIdentifier
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(ours.chain[0].subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + self.lifetime)
        )
        for extension, critical in (
            (usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(ours.key.public_key()), False),
            (x509.SubjectAlternativeName([name(identity)]), True),
            (_unknown(ISSUER, issuer.encode()), False),
            (_unknown(ISSUER_V2, tlv(0x0C, issuer.encode())), False),
        ):
            builder = builder.add_extension(extension, critical)
        promised = self._promise(_sign(builder, ours.key).tbs_certificate_bytes)
        return _sign(builder.add_extension(_unknown(_SCT_LIST, promised), critical=False), ours.key)

    def _promise(self, tbs: bytes) -> bytes:
        """A list of one SignedCertificateTimestamp (RFC 6962, section 3.3) for a certificate that lacks it."""
        at = int(datetime.now(UTC).timestamp() * 1000)
        issuer = sha256(spki(self.authority.key))
        signed = struct.pack("!BBQH", 0, 0, at, 1) + issuer + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
        signature = self.log_key.sign(signed, ECDSA)
        stamp = (
            b"\0"
            + sha256(spki(self.log_key))
            + struct.pack("!QHBBH", at, 0, 4, 3, len(signature))
            + signature
        )
        return octets(struct.pack("!HH", len(stamp) + 2, len(stamp)) + stamp)


@dataclass
class Stamping:
    """Answers requests for time stamps."""

    authority: Authority

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq: what was to be stamped, and now, as signed data (CMS)."""
        asked, now = parse_timestamp_request(request), datetime.now(UTC)
        sha = sequence(identifier("2.16.840.1.101.3.4.2.1"))
        content = sequence(
            integer(1),
            identifier("1.3.6.1.4.1.57264.2"),
            sequence(sha, octets(asked.message_imprint.message)),
            integer(int.from_bytes(os.urandom(8), "big")),
            tlv(0x18, now.strftime("%Y%m%d%H%M%SZ").encode()),
            sequence(integer(1)),
            integer(asked.nonce),
        )
        certificate = self.authority.chain[0]
        der = certificate.public_bytes(Encoding.DER)
        attributes = set_of(
            _attribute("1.2.840.113549.1.9.3", identifier("1.2.840.113549.1.9.16.1.4")),
            _attribute("1.2.840.113549.1.9.5", tlv(0x17, now.strftime("%y%m%d%H%M%SZ").encode())),
            _attribute("1.2.840.113549.1.9.4", octets(sha256(content))),
            _attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(sequence(octets(sha256(der)))))),
        )
        signer = sequence(
            integer(1),
            sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number)),
            sha,
            b"\xa0" + attributes[1:],
            sequence(identifier("1.2.840.10045.4.3.2")),
            octets(self.authority.key.sign(attributes, ECDSA)),
        )
        signed = sequence(
            integer(3),
            set_of(sha),
            sequence(identifier("1.2.840.113549.1.9.16.1.4"), tlv(0xA0, octets(content))),
            tlv(0xA0, der),
            set_of(signer),
        )
        wrapped = sequence(identifier("1.2.840.113549.1.7.2"), tlv(0xA0, signed))
        return sequence(sequence(integer(0)), wrapped)


def _certificate(name: str, issuer: str, key, issuer_key, since: datetime) -> x509.CertificateBuilder:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=3650))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )


def _sign(builder: x509.CertificateBuilder, key) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256())


def _unknown(dotted: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ObjectIdentifier(dotted), value)


def _attribute(dotted: str, value: bytes) -> bytes:
    return sequence(identifier(dotted), set_of(value))
