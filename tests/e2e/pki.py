"""A public key infrastructure for the tests: certificates and CRLs written byte
by byte, so that hostile ones are as easy as good ones, with keys and signatures
made by the openssl program."""

import base64
import functools
import os
import subprocess
import tempfile
from datetime import datetime, timezone

SECONDS = 60


def openssl(*args, data=b""):
    done = subprocess.run(["openssl", *map(str, args)], input=data,
                          capture_output=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


# --- DER ----------------------------------------------------------------------

def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        return bytes([tag, n]) + body
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytearray([first * 40 + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return tlv(0x06, bytes(out))


def bits(octets, unused=0):
    return tlv(0x03, bytes([unused]), octets)


TRUE = b"\x01\x01\xff"
NULL = b"\x05\x00"
CN, OU, EMAIL = "2.5.4.3", "2.5.4.11", "1.2.840.113549.1.9.1"
CLIENT, SERVER, ANY = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"
ECDSA = {n: seq(oid(f"1.2.840.10045.4.3.{i}"))
         for i, n in ((2, "sha256"), (3, "sha384"), (4, "sha512"))}
RSA = {n: seq(oid(f"1.2.840.113549.1.1.{i}"), NULL)
       for i, n in ((11, "sha256"), (12, "sha384"), (13, "sha512"),
                    (5, "sha1"), (4, "md5"))}


def utf8(text):
    return tlv(0x0C, text if isinstance(text, bytes) else text.encode())


def printable(text):
    return tlv(0x13, text.encode())


def rdn(kind, value):
    value = value if isinstance(value, bytes) else utf8(value)
    return tlv(0x31, seq(oid(kind), value))


def name(*cns, ous=()):
    return seq(*[rdn(OU, ou) for ou in ous], *[rdn(CN, cn) for cn in cns])


def instant(text):
    """'2030-01-01' as a Time."""
    when = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    if 1950 <= when.year < 2050:
        return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def ext(kind, value, critical=False):
    return seq(oid(f"2.5.29.{kind}" if isinstance(kind, int) else kind),
               TRUE if critical else b"", tlv(0x04, value))


def basic(ca=True, path_length=None, critical=True):
    return ext(19, seq(TRUE if ca else b"",
                       b"" if path_length is None else integer(path_length)),
               critical)


DIGITAL, SIGN_CERTS, SIGN_CRLS, SIGN_BOTH = \
    b"\x07\x80", b"\x02\x04", b"\x01\x02", b"\x01\x06"


def usage(named_bits):
    return ext(15, tlv(0x03, named_bits), True)


def purposes(*oids, critical=False):
    return ext(37, seq(*map(oid, oids)), critical)


def dns(text):
    return tlv(0x82, text.encode())


def email(text):
    return tlv(0x81, text.encode())


def uri(text):
    return tlv(0x86, text.encode())


def ip(octets):
    return tlv(0x87, bytes(octets))


def directory(whole_name):
    return tlv(0xA4, whole_name)


def other_name():
    return tlv(0xA0, oid("1.3.6.1.4.1.311.20.2.3"), tlv(0xA0, utf8("me@here")))


def alt_names(*names, critical=False):
    return ext(17, seq(*names), critical)


def constraints(permitted=(), excluded=(), critical=True):
    lists = [tlv(0xA0 + i, *[seq(base) for base in bases])
             for i, bases in enumerate((permitted, excluded)) if bases]
    return ext(30, seq(*lists), critical)


def pem(der, label="CERTIFICATE"):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines,
                      f"-----END {label}-----", ""])


# --- keys and what they sign --------------------------------------------------

class Key:
    """A private key, made by openssl."""

    def __init__(self, *options):
        options = options or ("-algorithm", "EC", "-pkeyopt",
                              "ec_paramgen_curve:P-256")
        self.pem = openssl("genpkey", *options)
        self.file = tempfile.NamedTemporaryFile(suffix=".key")
        self.file.write(self.pem)
        self.file.flush()
        self.spki = openssl("pkey", "-pubout", "-outform", "DER",
                            data=self.pem)
        self.id = openssl("dgst", "-sha1", "-binary", data=self.spki)
        self.is_rsa = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" in self.spki

    def sign(self, message, hash="sha256", *more):
        return openssl("dgst", f"-{hash}", "-sign", self.file.name, *more,
                       data=message)

    def algorithm(self, hash="sha256"):
        return (RSA if self.is_rsa else ECDSA)[hash]


@functools.cache
def clients_key():
    """Clients share one, for openssl takes its time; CAs never do."""
    return Key()


def serial_number():
    return int.from_bytes(b"\x01" + os.urandom(15), "big")


class Certificate:
    """What it says is in the arguments; `issuer` is who has signed it, None for
    itself."""

    def __init__(self, subject="client", issuer=None, *, key=None, serial=None,
                 start="2020-01-01", end="2049-01-01", extensions=None,
                 hash="sha256", version=2, issuer_name=None, key_ids=True,
                 inner=None, more=(), algorithm=None, sign_options=()):
        self.key = key or clients_key()
        self.subject = subject if isinstance(subject, bytes) else name(subject)
        self.serial = serial_number() if serial is None else serial
        self.issuer = issuer or self
        signer = self.issuer.key
        algorithm = algorithm or signer.algorithm(hash)
        extensions = list(leaf() if extensions is None else extensions)
        extensions += more
        if key_ids:
            extensions.append(ext(14, tlv(0x04, self.key.id)))
            extensions.append(ext(35, seq(tlv(0x80, signer.id))))
        self.tbs = seq(
            tlv(0xA0, integer(version)) if version else b"",
            self.serial if isinstance(self.serial, bytes)
            else integer(self.serial),
            inner or algorithm, issuer_name or self.issuer.subject,
            seq(instant(start), instant(end)), self.subject, self.key.spki,
            tlv(0xA3, seq(*extensions)) if version == 2 else b"")
        self.der = seq(self.tbs, algorithm,
                       bits(signer.sign(self.tbs, hash, *sign_options)))
        self.pem = pem(self.der)


def leaf():
    return [usage(DIGITAL), purposes(CLIENT)]


def authority(subject="root", issuer=None, *, path_length=None, more=(),
              named_bits=SIGN_BOTH, key=None, **rest):
    return Certificate(subject, issuer, key=key or Key(), extensions=[
        basic(path_length=path_length), usage(named_bits), *more], **rest)


def crl(issuer, revoked=(), *, this="2024-01-01", next="2040-01-01", number=1,
        more=(), entry_more=b"", version=1, key=None, hash="sha256",
        with_key_id=True, issuer_name=None):
    """The DER of a CRL that lists certificates or serial numbers."""
    key = key or issuer.key
    entries = [seq(each if isinstance(each, bytes)
                   else integer(getattr(each, "serial", each)),
                   instant("2023-01-01"), entry_more) for each in revoked]
    extensions = list(more)
    if number is not None:
        extensions.append(ext(20, integer(number)))
    if with_key_id:
        extensions.append(ext(35, seq(tlv(0x80, issuer.key.id))))
    tbs = seq(integer(version) if version else b"", key.algorithm(hash),
              issuer_name or issuer.subject, instant(this),
              instant(next) if next else b"",
              seq(*entries) if entries else b"",
              tlv(0xA0, seq(*extensions)) if version and extensions else b"")
    return seq(tbs, key.algorithm(hash), bits(key.sign(tbs, hash)))
