"""smokescreen --verify-client --role-from: the role in a certificate, and what
must never become one."""

import pki
import pytest
from judge import root, verify  # noqa: F401
from pki import Certificate


def test_last_cn(verify, root):
    assert verify(Certificate(pki.name("a", "b"), root), ca=root).role == "b"


def test_no_cn(verify, root):
    verdict = verify(Certificate(pki.name(ous=["a"]), root), ca=root)
    assert verdict.role is None and verdict.reason.startswith("no role")


@pytest.mark.parametrize("cn", [
    b"a\nb", b"a\0b", b"a\x1b[2Jb", b"\x7f", "a\u0085b".encode(),
    "a\u2028b".encode(), "a\u202eb".encode(), b"x" * 256, b"x" * 1024])
def test_cn_that_is_no_role(verify, root, cn):
    verdict = verify(Certificate(pki.seq(pki.rdn(pki.CN, pki.utf8(cn))), root),
                     ca=root)
    verdict.refused("ROLE_TEXT")
    assert verdict.reason.isprintable() or verdict.reason.count("\n") == 1


def test_cn_that_is_no_text(verify, root):
    for value in (pki.utf8(b"\xff\xfe"), pki.utf8(b"\xc0\x80")):
        web = Certificate(pki.seq(pki.rdn(pki.CN, value)), root)
        verify(web, ca=root).refused("NAME")


def test_longest_cn(verify, root):
    assert verify(Certificate("x" * 255, root), ca=root).role == "x" * 255


def test_cn_in_other_strings(verify, root):
    for value in (pki.tlv(0x1E, "wéb".encode("utf-16-be")),
                  pki.tlv(0x14, "wéb".encode("latin-1")),
                  pki.tlv(0x1C, "wéb".encode("utf-32-be"))):
        web = Certificate(pki.seq(pki.rdn(pki.CN, value)), root)
        assert verify(web, ca=root).role == "wéb"


@pytest.fixture(scope="module")
def rich(root):
    return Certificate(
        pki.name("cn", ous=["web.prod", "second"]), root, serial=0xABCD,
        more=[pki.alt_names(
            pki.dns("one.test"), pki.dns("two.test"), pki.email("x@a.test"),
            pki.uri("spiffe://a.test/ns/prod/sa/web"))])


@pytest.mark.parametrize("spec,role", [
    ("cn", "cn"), ("ou", "second"), ("ou.0", "web.prod"), ("ou.1", "second"),
    ("ou.0:split=.", "web"), ("ou.2,cn", "cn"), ("ou.2", None),
    ("san-dns", "one.test"), ("san-dns:prefix=two", ".test"),
    ("san-dns:prefix=two.:split=s", "te"), ("san-dns:prefix=three,cn", "cn"),
    ("san-uri", "spiffe://a.test/ns/prod/sa/web"),
    ("san-uri:prefix=spiffe://a.test/ns/prod/sa/", "web"),
    ("spiffe", "/ns/prod/sa/web"), ("spiffe:prefix=/ns/:split=/", "prod"),
    ("san-email", "x@a.test"), ("san-email:split=@", "x"),
    ("serial", "abcd"), ("cn:prefix=cn", None), ("cn:split=c", None),
    ("cn:prefix=d,ou:prefix=s", "econd"), (r"cn:split=\,", "cn"),
])
def test_role_from(verify, root, rich, spec, role):
    assert verify(rich, ca=root, role_from=spec).role == role


def test_role_from_the_key(verify, root, rich):
    digest = pki.openssl("dgst", "-sha256", "-binary", data=rich.key.spki)
    assert verify(rich, ca=root, role_from="spki-sha256").role == digest.hex()


def test_spiffe_id_beside_another(verify, root):
    web = Certificate("web", root, more=[pki.alt_names(
        pki.uri("spiffe://a.test/a"), pki.uri("spiffe://a.test/b"))])
    verify(web, ca=root, role_from="spiffe").refused("ROLE_TEXT")
