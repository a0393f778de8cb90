"""smokescreen --verify-client --crl: who is revoked, and which CRLs are none."""

import pki
import pytest
from judge import middle, root, verify  # noqa: F401
from pki import Certificate, Key, authority


@pytest.fixture(scope="module")
def web(root):
    return Certificate("web", root)


@pytest.mark.parametrize("form", ["pem", "der"])
def test_revoked(verify, root, web, form):
    good, bad = pki.crl(root, [1, 2, 3]), pki.crl(root, [1, web, 3])
    if form == "pem":
        good, bad = pki.pem(good, "X509 CRL"), pki.pem(bad, "X509 CRL")
    assert verify(web, ca=root, crl=[good]).role == "web"
    verify(web, ca=root, crl=[bad]).refused("REVOKED")


def test_empty_crl(verify, root, web):
    assert verify(web, ca=root, crl=[pki.crl(root)]).role == "web"


def test_revoked_without_key_ids(verify):
    ca = authority("ca", key_ids=False)
    web = Certificate("web", ca, key_ids=False)
    crl = pki.crl(ca, [web], with_key_id=False)
    verify(web, ca=ca, crl=[crl]).refused("REVOKED")


def test_revoked_intermediate(verify, root):
    middle = authority("middle", root)
    web = Certificate("web", middle)
    crl = pki.crl(root, [middle])
    verify(web, middle, ca=root, crl=[crl]).refused("REVOKED")
    # Though the intermediate be in the CA file itself.
    verify(web, ca=[root, middle], crl=[crl]).refused("REVOKED")


def test_revoked_by_an_intermediate(verify, root, middle):
    web = Certificate("web", middle)
    crl = pki.crl(middle, [web])
    for ca in (root, [root, middle]):
        verify(web, middle, ca=ca, crl=[crl]).refused("REVOKED")


def test_another_ca_of_that_name(verify):
    cas = [authority("same", key_ids=False) for _ in range(2)]
    clients = [Certificate("web", ca, serial=5, key_ids=False) for ca in cas]
    crl = pki.crl(cas[0], [5], with_key_id=False)
    verify(clients[0], ca=cas, crl=[crl]).refused("REVOKED")
    assert verify(clients[1], ca=cas, crl=[crl]).role == "web"


def test_key_for_crls_alone(verify, root):
    ca = authority("ca", root, named_bits=pki.SIGN_CERTS)
    signer = authority("ca", root, named_bits=pki.SIGN_CRLS)
    web = Certificate("web", ca)
    crl = pki.crl(signer, [web])
    verify(web, ca=[root, ca, signer], crl=[crl]).refused("REVOKED")
    assert verify(web, ca=[root, ca, signer],
                  crl=[pki.crl(signer)]).role == "web"
    # Nobody says that the two belong together.
    assert "CRLs only" in verify(web, ca=[ca, signer], crl=[crl]).reason


def test_newer_crl_wins(verify, root, web):
    old = pki.crl(root, [web], this="2023-01-01", number=1)
    new = pki.crl(root, [], this="2024-01-01", number=2)
    for crls in ([old, new], [new, old]):
        assert verify(web, ca=root, crl=crls).role == "web"
    old = pki.crl(root, [], this="2023-01-01", number=1)
    new = pki.crl(root, [web], this="2023-01-01", number=2)
    for crls in ([old, new], [new, old]):
        verify(web, ca=root, crl=crls).refused("REVOKED")


def test_ca_without_crl(verify, root, web):
    other = authority("other")
    assert verify(web, ca=[root, other], crl=[pki.crl(other)]).role == "web"


def crl_error(verify, web, ca, crl, text):
    verdict = verify(web, ca=ca, crl=[crl])
    assert verdict.role is None and "0.crl:1" in verdict.reason and \
        text in verdict.reason, verdict.reason


def test_expired_crl(verify, root, web):
    crl_error(verify, web, root, pki.crl(root, next="2026-05-01"), "overdue")


def test_crl_of_the_future(verify, root, web):
    crl_error(verify, web, root, pki.crl(root, this="2026-07-01"), "valid yet")


def test_crl_without_next_update(verify, root, web):
    crl_error(verify, web, root, pki.crl(root, next=None), "no next update")


def test_crl_of_an_unknown_issuer(verify, root, web):
    crl_error(verify, web, root, pki.crl(authority("evil")),
              "not among the CAs")


def test_crl_signed_by_somebody_else(verify, root, web):
    crl_error(verify, web, root, pki.crl(root, key=Key()),
              "signature is wrong")


def test_crl_signed_by_a_client(verify, root, web):
    crl_error(verify, web, [root, web], pki.crl(web), "may not sign CRLs")


def test_issuer_may_not_sign_crls(verify):
    ca = authority("ca", named_bits=pki.SIGN_CERTS)
    crl_error(verify, Certificate("web", ca), ca, pki.crl(ca),
              "may not sign CRLs")


def test_old_crl_version(verify, root, web):
    crl_error(verify, web, root, pki.crl(root, version=0), "version 2")


def test_crl_without_number(verify, root, web):
    crl_error(verify, web, root, pki.crl(root, number=None), "no CRL number")


@pytest.mark.parametrize("extension,text", [
    (pki.ext(27, pki.integer(1), True), "delta"),
    (pki.ext(28, pki.seq(pki.tlv(0x84, b"\xff")), True), "distribution point"),
    (pki.ext(28, pki.seq(pki.tlv(0x81, b"\xff")), True), "distribution point"),
    (pki.ext("1.2.3.4", b"", True), "critical extension"),
    (pki.ext(20, pki.integer(7)), "occurs twice"),
])
def test_crl_extensions(verify, root, web, extension, text):
    crl_error(verify, web, root, pki.crl(root, more=[extension]), text)


@pytest.mark.parametrize("extension,text", [
    (pki.ext(29, pki.seq(pki.directory(pki.name("x"))), True), "indirect"),
    (pki.ext("1.2.3.4", b"", True), "critical extension"),
])
def test_crl_entry_extensions(verify, root, web, extension, text):
    crl = pki.crl(root, [1], entry_more=pki.seq(extension))
    crl_error(verify, web, root, crl, text)


def test_reason_codes_are_fine(verify, root, web):
    reason = pki.seq(pki.ext(21, b"\x0a\x01\x01"))
    crl = pki.crl(root, [web], entry_more=reason)
    verify(web, ca=root, crl=[crl]).refused("REVOKED")


def test_padded_serial_in_a_crl(verify, root, web):
    crl = pki.crl(root, [pki.tlv(2, b"\x00\x01")])
    crl_error(verify, web, root, crl, "not a DER CRL")


def test_crl_file_without_crl(verify, root, web):
    assert "no CRL in it" in verify(web, ca=root, crl=[root.pem]).reason
    assert "empty" in verify(web, ca=root, crl=[b""]).reason


def test_truncated_crl(verify, root, web):
    crl = pki.crl(root, [web])
    for n in range(1, len(crl), 31):
        assert verify(web, ca=root, crl=[crl[:n]]).role is None
