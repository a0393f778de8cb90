"""smokescreen --verify-client: what makes a client's certificate good, and each
of the things that make it bad; one function per check.  Revocation and roles
have files of their own."""

import subprocess

import pki
import pytest
from harness import run_smokescreen
from judge import middle, root, verify  # noqa: F401
from pki import Certificate, Key, authority

# --- good ones ----------------------------------------------------------------

def test_good(verify, root):
    assert verify(Certificate("web", root), ca=root).role == "web"


def test_through_an_intermediate(verify, root, middle):
    assert verify(Certificate("web", middle), middle, ca=root).role == "web"


def test_der_files(verify, root, tmp_path):
    (tmp_path / "leaf.der").write_bytes(Certificate("web", root).der)
    assert verify(ca=root, file=tmp_path / "leaf.der").role == "web"


def test_text_around_the_objects(verify, root):
    """Text that a hasty look takes for DER."""
    web = Certificate("web", root)
    for text in ("0\n", "0 is the first\n" * 9, "Certificate:\n  Data:\n"):
        assert verify(text + web.pem + text, ca=text + root.pem).role == "web"


def test_any_order_and_strays(verify, root, middle):
    low = authority("low", middle)
    chain = [root, authority("stray"), low, Certificate("stray", root), middle]
    assert verify(Certificate("web", low), *chain, ca=root).role == "web"


def test_order_of_intermediates(verify, root, middle):
    low = authority("low", middle)
    web = Certificate("web", low)
    for chain in ([low, middle], [middle, low]):
        assert verify(web, *chain, ca=root).role == "web"


def test_several_cas_of_one_name(verify):
    cas = [authority("same", key_ids=False) for _ in range(5)]
    for ca in cas:
        web = Certificate("web", ca, key_ids=False)
        assert verify(web, ca=cas).role == "web"


def test_several_intermediates_of_one_name(verify, root):
    twins = [authority("twin", root, key_ids=False) for _ in range(3)]
    for twin in twins:
        web = Certificate("web", twin, key_ids=False)
        assert verify(web, *twins, ca=root).role == "web"


def test_the_other_way_up(verify, root):
    """Two certificates for one intermediate; the first leads nowhere good."""
    key = Key()
    old = authority("middle", root, key=key, end="2021-01-01")
    new = authority("middle", root, key=key)
    web = Certificate("web", new)
    assert verify(web, old, new, ca=root).role == "web"


def test_rsa(verify):
    key = Key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    ca = authority("rsa", key=key)
    for hash in ("sha256", "sha384", "sha512"):
        assert verify(Certificate("web", ca, hash=hash), ca=ca).role == "web"


@pytest.mark.parametrize("curve", ["P-384", "P-521"])
def test_curves(verify, curve):
    def key():
        return Key("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}")

    ca = authority("curve", key=key())
    for hash in ("sha256", "sha384", "sha512"):
        web = Certificate("web", ca, key=key(), hash=hash)
        assert verify(web, ca=ca).role == "web"


def test_names_in_other_strings(verify, root):
    """The issuer is spelled with other capitals, blanks and kinds of string."""
    spelled = pki.seq(pki.rdn(pki.CN, pki.printable("  ROOT ")))
    assert verify(Certificate("web", root, issuer_name=spelled),
                  ca=root).role == "web"


def test_by_openssl_alone(verify, tmp_path):
    """Nothing here is of our own making."""
    config = tmp_path / "leaf.cnf"
    config.write_text("extendedKeyUsage=clientAuth\n")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key " \
        "-out ca.pem -days 30 -subj /CN=ca && openssl req -newkey ec " \
        "-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout web.key -out web.csr " \
        "-subj /OU=a/CN=web && openssl x509 -req -in web.csr -CA ca.pem " \
        "-CAkey ca.key -days 20 -set_serial 7 -extfile leaf.cnf -out web.pem"
    subprocess.run(command, shell=True, cwd=tmp_path, check=True,
                   capture_output=True, timeout=pki.SECONDS)
    done = run_smokescreen("--verify-client", "--ca", tmp_path / "ca.pem",
                           tmp_path / "web.pem")
    assert (done.returncode, done.stdout) == (0, "web\n"), done.stderr


def test_client_that_is_trusted_itself(verify, root):
    web = Certificate("web", extensions=pki.leaf())
    assert verify(web, ca=[root, web]).role == "web"
    verify(Certificate("evil", web), web, ca=web).refused("NOT_CA")


# --- each check of a chain ----------------------------------------------------

def test_unknown_ca(verify, root):
    verify(Certificate("web", authority("evil")), ca=root).refused("UNKNOWN_CA")


def test_unknown_ca_of_a_known_name(verify, root):
    evil = authority("root")
    verify(Certificate("web", evil), evil, ca=root).refused("SIGNATURE")


def test_self_signed(verify, root):
    verify(Certificate("root"), ca=root).refused("SIGNATURE")


def test_wrong_signature(verify, root):
    der = bytearray(Certificate("web", root).der)
    der[-1] ^= 1
    verify(pki.pem(bytes(der)), ca=root).refused("SIGNATURE")


def test_changed_after_signing(verify, root):
    der = Certificate("web", root).der
    verify(pki.pem(der.replace(b"web", b"adm")), ca=root).refused("SIGNATURE")


def test_expired(verify, root):
    web = Certificate("web", root, end="2026-05-31T23:59:59")
    verify(web, ca=root).refused("EXPIRED")
    assert verify(web, ca=root, at="2026-05-31T23:59:59Z").role == "web"


def test_not_yet_valid(verify, root):
    web = Certificate("web", root, start="2026-06-01T00:00:01")
    verify(web, ca=root).refused("NOT_YET_VALID")
    assert verify(web, ca=root, at="2026-06-01T00:00:01Z").role == "web"


def test_expired_intermediate(verify, root):
    old = authority("old", root, end="2025-01-01")
    verify(Certificate("web", old), old, ca=root).refused("EXPIRED")


def test_expired_ca(verify):
    old = authority("old", end="2025-01-01")
    verify(Certificate("web", old), ca=old).refused("EXPIRED")


def test_year_2050(verify, root):
    web = Certificate("web", root, end="2050-01-01")
    assert verify(web, ca=root).role == "web"


def test_client_as_ca(verify, root):
    middle = Certificate("middle", root)
    verify(Certificate("web", middle), middle, ca=root).refused("NOT_CA")


def test_ca_as_client(verify, root):
    verify(authority("web", root), ca=root).refused("LEAF_IS_CA")
    verify(root, ca=root).refused("LEAF_IS_CA")


def test_intermediate_may_not_sign(verify, root):
    middle = authority("middle", root, named_bits=pki.SIGN_CRLS)
    verify(Certificate("web", middle), middle, ca=root).refused("KEY_USAGE")


def test_client_may_not_sign(verify, root):
    web = Certificate("web", root, extensions=[
        pki.usage(b"\x05\x20"), pki.purposes(pki.CLIENT)])
    verify(web, ca=root).refused("KEY_USAGE")


def test_path_length(verify):
    root = authority("root", path_length=0)
    assert verify(Certificate("web", root), ca=root).role == "web"
    middle = authority("middle", root)
    verify(Certificate("web", middle), middle, ca=root).refused("PATH_LENGTH")


def test_path_length_of_an_intermediate(verify, root):
    middle = authority("middle", root, path_length=0)
    low = authority("low", middle)
    assert verify(Certificate("web", middle), middle, ca=root).role == "web"
    verify(Certificate("web", low), low, middle,
           ca=root).refused("PATH_LENGTH")


@pytest.mark.parametrize("critical", [False, True])
def test_server_certificate(verify, root, critical):
    web = Certificate("web", root, extensions=[
        pki.purposes(pki.SERVER, critical=critical)])
    verify(web, ca=root).refused("PURPOSE")


def test_purposes_that_do(verify, root):
    for extensions in ([pki.purposes(pki.SERVER, pki.CLIENT)],
                       [pki.purposes(pki.CLIENT, critical=True)],
                       [pki.basic(ca=False)]):
        web = Certificate("web", root, extensions=extensions)
        assert verify(web, ca=root).role == "web"


def test_any_purpose(verify, root):
    web = Certificate("web", root, extensions=[pki.purposes(pki.ANY)])
    verify(web, ca=root).refused("PURPOSE")
    middle = authority("middle", root, more=[pki.purposes(pki.ANY)])
    assert verify(Certificate("web", middle), middle, ca=root).role == "web"


def test_purpose_of_cas(verify, root):
    middle = authority("middle", root, more=[pki.purposes(pki.SERVER)])
    verify(Certificate("web", middle), middle, ca=root).refused("PURPOSE")
    top = authority("top", more=[pki.purposes(pki.SERVER)])
    verify(Certificate("web", top), ca=top).refused("PURPOSE")


# --- name constraints ---------------------------------------------------------

NAMES = {
    "dns": (pki.dns("a.test"), pki.dns("x.a.test"), pki.dns("a.test.evil")),
    "dns suffix": (pki.dns("a.test"), pki.dns("A.TEST"), pki.dns("ba.test")),
    "host of e-mail": (pki.email("a.test"), pki.email("x@a.test"),
                       pki.email("x@b.a.test")),
    "domain of e-mail": (pki.email(".a.test"), pki.email("x@b.a.test"),
                         pki.email("x@a.test")),
    "mailbox": (pki.email("x@a.test"), pki.email("x@A.test"),
                pki.email("y@a.test")),
    "uri": (pki.uri("a.test"), pki.uri("spiffe://a.test/x"),
            pki.uri("spiffe://b.test/a.test")),
    "uri domain": (pki.uri(".a.test"), pki.uri("https://u@b.a.test:1/"),
                   pki.uri("https://b.a.test@evil.test/")),
    "ipv4": (pki.ip([10, 0, 0, 0, 255, 0, 0, 0]), pki.ip([10, 1, 2, 3]),
             pki.ip([11, 1, 2, 3])),
    "ipv6": (pki.ip([0xFD, *[0] * 15, 0xFF, *[0] * 15]),
             pki.ip([0xFD, *[0] * 14, 1]), pki.ip([10, 1, 2, 3])),
    "directory": (pki.directory(pki.name(ous=["a"])),
                  pki.directory(pki.name("x", ous=["A"])),
                  pki.directory(pki.name("x", ous=["b"]))),
}


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("critical", [False, True])
def test_name_constraints(verify, root, form, critical):
    base, inside, outside = NAMES[form]

    def judge(names, **lists):
        # The empty subject has no directory name that would be judged too.
        middle = authority("middle", root, more=[
            pki.constraints(critical=critical, **lists)])
        web = Certificate(pki.seq(), middle, more=[pki.alt_names(names)])
        return verify(web, middle, ca=root, role_from="spki-sha256")

    assert judge(inside, permitted=[base]).role
    judge(outside, permitted=[base]).refused("CONSTRAINT")
    judge(inside, excluded=[base]).refused("CONSTRAINT")
    assert judge(outside, excluded=[base]).role


def test_constraints_of_the_ca_file(verify):
    root = authority("root", more=[pki.constraints([pki.dns("a.test")])])
    good = Certificate("web", root, more=[pki.alt_names(pki.dns("a.test"))])
    evil = Certificate("web", root, more=[pki.alt_names(pki.dns("b.test"))])
    assert verify(good, ca=root).role == "web"
    verify(evil, ca=root).refused("CONSTRAINT")


def test_constraints_on_the_subject(verify, root):
    middle = authority("middle", root, more=[
        pki.constraints([pki.directory(pki.name(ous=["a"]))])])
    for ou, good in (("a", True), ("b", False)):
        web = Certificate(pki.name("web", ous=[ou]), middle)
        verdict = verify(web, middle, ca=root)
        if good:
            assert verdict.role == "web"
        else:
            verdict.refused("CONSTRAINT")


def test_constraints_on_an_email_in_the_subject(verify, root):
    middle = authority("middle", root, more=[
        pki.constraints(excluded=[pki.email("a.test")])])
    subject = pki.seq(pki.rdn(pki.CN, "web"),
                      pki.rdn(pki.EMAIL, pki.tlv(0x16, b"x@a.test")))
    verify(Certificate(subject, middle), middle, ca=root).refused("CONSTRAINT")


def test_constraints_on_a_wildcard(verify, root):
    middle = authority("middle", root, more=[
        pki.constraints(excluded=[pki.dns("secret.a.test")])])
    web = Certificate("web", middle, more=[pki.alt_names(pki.dns("*.a.test"))])
    verify(web, middle, ca=root).refused("CONSTRAINT")


@pytest.mark.parametrize("critical", [False, True])
def test_constraints_that_cannot_be_judged(verify, root, critical):
    middle = authority("middle", root, more=[
        pki.constraints([pki.other_name()], critical=critical)])
    assert verify(Certificate("web", middle), middle, ca=root).role == "web"
    web = Certificate("web", middle, more=[pki.alt_names(pki.other_name())])
    verify(web, middle, ca=root).refused("CONSTRAINT_FORM")


@pytest.mark.parametrize("base,names", [
    (pki.dns(".a.test"), pki.dns("b.a.test")),
    (pki.dns("a.test"), pki.dns("a..test")),
    (pki.ip([10, 0, 0, 0]), pki.ip([10, 0, 0, 1])),
    (pki.ip([10, 0, 0, 0, 255, 0, 255, 0]), pki.ip([10, 0, 0, 1])),
    (pki.uri("a.test"), pki.uri("urn:a.test")),
    (pki.uri("a.test"), pki.uri("https://10.0.0.1/")),
    (pki.email("a.test"), pki.email("a.test")),
])
def test_unclear_constraints(verify, root, base, names):
    middle = authority("middle", root, more=[pki.constraints([base])])
    web = Certificate("web", middle, more=[pki.alt_names(names)])
    verify(web, middle, ca=root).refused("CONSTRAINT_FORM")


def test_constraints_in_a_client(verify, root):
    web = Certificate("web", root, more=[pki.constraints([pki.dns("a.test")])])
    verify(web, ca=root).refused("EXTENSION_PLACE")


def test_constraints_without_end(verify, root):
    bases = [pki.dns(f"{i}.test") for i in range(1000)]
    middle = authority("middle", root, more=[pki.constraints(excluded=bases)])
    names = [pki.dns(f"{i}.example") for i in range(1000)]
    web = Certificate("web", middle, more=[pki.alt_names(*names)])
    verify(web, middle, ca=root).refused("TOO_COMPLEX")


# --- what a certificate may be ------------------------------------------------

def test_unknown_critical_extension(verify, root):
    strange = pki.ext("1.2.3.4", b"", True)
    verify(Certificate("web", root, more=[strange]),
           ca=root).refused("EXTENSION_CRITICAL")
    middle = authority("middle", root, more=[strange])
    verify(Certificate("web", middle), middle,
           ca=root).refused("EXTENSION_CRITICAL")


def test_unknown_extension(verify, root):
    web = Certificate("web", root, more=[pki.ext("1.2.3.4", b"")])
    assert verify(web, ca=root).role == "web"


@pytest.mark.parametrize("twice", [
    pki.purposes(pki.CLIENT), pki.ext("1.2.3.4", b"")])
def test_extension_twice(verify, root, twice):
    web = Certificate("web", root, extensions=[twice, twice])
    verify(web, ca=root).refused("EXTENSION_TWICE")


@pytest.mark.parametrize("broken", [
    pki.ext(37, b""), pki.ext(37, pki.seq()), pki.ext(19, b"\x30\x03\x02\x01"),
    pki.ext(15, b"\x03\x02\x00\x80"), pki.ext(15, b"\x03\x01\x00"),
    pki.ext(17, pki.seq()), pki.ext(17, pki.seq(pki.dns(""))),
    pki.ext(17, pki.seq(pki.dns("a\0.test"))),
    pki.ext(17, pki.seq(pki.ip([1, 2, 3]))), pki.ext(30, pki.seq()),
    pki.ext(37, pki.seq(pki.oid(pki.CLIENT)) + b"\x00"),
])
def test_broken_extension(verify, root, broken):
    web = Certificate("web", root, extensions=[broken])
    verify(web, ca=root).refused("EXTENSION")


@pytest.mark.parametrize("version", [0, 1])
def test_old_version(verify, root, version):
    verify(Certificate("web", root, version=version),
           ca=root).refused("VERSION")


def test_old_version_of_a_ca(verify):
    old = Certificate("old", version=0)
    verdict = verify(Certificate("web", old), ca=old)
    assert "ca.pem:1" in verdict.reason and "version 3" in verdict.reason


@pytest.mark.parametrize("serial", [
    0, -5, 1 << 160, pki.tlv(2, b"\x00\x01"), pki.tlv(2)])
def test_serial_number(verify, root, serial):
    verify(Certificate("web", root, serial=serial), ca=root).refused("SERIAL")


def test_two_algorithms(verify, root):
    web = Certificate("web", root, inner=pki.ECDSA["sha384"])
    verify(web, ca=root).refused("ALGORITHM_TWO")


def test_weak_hashes(verify):
    key = Key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    ca = authority("rsa", key=key)
    for hash in ("sha1", "md5"):
        web = Certificate("web", ca, hash=hash)
        verify(web, ca=ca).refused("ALGORITHM_WEAK")


def test_rsa_pss(verify):
    key = Key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    ca = authority("rsa", key=key)
    web = Certificate("web", ca, algorithm=pki.seq(
        pki.oid("1.2.840.113549.1.1.10"), pki.seq()),
        sign_options=["-sigopt", "rsa_padding_mode:pss"])
    verify(web, ca=ca).refused("ALGORITHM_PSS")


def test_small_rsa_key(verify, root):
    key = Key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    verify(Certificate("web", root, key=key), ca=root).refused("KEY_SMALL")
    small = authority("small", key=key)
    verdict = verify(Certificate("web", small), ca=small)
    assert "2048 bits" in verdict.reason


def test_ed25519(verify, root):
    key = Key("-algorithm", "ED25519")
    verify(Certificate("web", root, key=key), ca=root).refused("KEY_ED25519")


def test_other_curves(verify, root):
    for curve in ("secp256k1", "P-224"):
        key = Key("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}")
        verify(Certificate("web", root, key=key),
               ca=root).refused("KEY_UNSUPPORTED")


def test_curve_spelled_out(verify, root):
    key = Key("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-pkeyopt", "ec_param_enc:explicit")
    verify(Certificate("web", root, key=key), ca=root).refused(
        "KEY_UNSUPPORTED")


# --- hostile files ------------------------------------------------------------

def test_truncated_anywhere(verify, root, tmp_path):
    der = Certificate("web", root).der
    path = tmp_path / "cut.der"
    for n in range(0, len(der), 29):
        path.write_bytes(der[:n])
        assert verify(ca=root, file=path).role is None


def test_bytes_behind(verify, root):
    der = Certificate("web", root).der
    verify(pki.pem(der + b"\0"), ca=root).refused("MALFORMED")


def test_lengths_with_padding(verify, root):
    der = Certificate("web", root).der
    assert der[:2] == b"\x30\x82"
    long = b"\x30\x83\x00" + der[2:]
    verify(pki.pem(long), ca=root).refused("MALFORMED")


def test_64_kib(verify, root):
    bulk = pki.ext("1.2.3.4", bytes(60000))
    assert verify(Certificate("web", root, more=[bulk]), ca=root).role == "web"
    bulk = pki.ext("1.2.3.4", bytes(65536))
    verify(Certificate("web", root, more=[bulk]), ca=root).refused("TOO_BIG")


def test_64_kib_together(verify, root):
    bulk = pki.ext("1.2.3.4", bytes(33000))
    middle = authority("middle", root, more=[bulk])
    web = Certificate("web", middle, more=[bulk])
    verify(web, middle, ca=root).refused("TOO_BIG")


def test_number_of_certificates(verify, root):
    strays = [authority("stray")] * 9
    web = Certificate("web", root)
    assert verify(web, *strays, ca=root).role == "web"
    verify(web, *strays, strays[0], ca=root).refused("TOO_MANY")


def test_no_exponential_search(verify, root):
    """Nine certificates of one name, each of which could have issued every
    other: 9! ways, none of which leads to a CA."""
    key = Key()
    ring = [authority("ring", key=key, key_ids=False, issuer_name=pki.name(
        "ring"), serial=i + 1) for i in range(9)]
    web = Certificate("web", ring[0], key_ids=False)
    verify(web, *ring, ca=root).refused("TOO_COMPLEX")


def test_ca_file_without_certificates(verify, root):
    web = Certificate("web", root)
    assert "no certificate in it" in verify(web, ca="nothing\n").reason
    key = root.key.pem.decode()
    assert "no certificate in it" in verify(web, ca=key).reason
    assert "empty" in verify(web, ca="").reason


def test_ca_file_cut_short(verify, root):
    web = Certificate("web", root)
    cut = root.pem[:len(root.pem) // 2]
    assert "ca.pem:" in verify(web, ca=cut).reason
    assert verify(web, ca=[root, cut]).role is None


def test_ca_file_with_garbage(verify, root):
    web = Certificate("web", root)
    bad = root.pem.replace("MII", "M*I", 1)
    assert "ca.pem:2: a character that is not base64" in \
        verify(web, ca=bad).reason


def test_files_that_are_not_there(root, tmp_path):
    done = run_smokescreen("--verify-client", "--ca", tmp_path / "none",
                           tmp_path / "none")
    assert done.returncode == 1 and "No such file" in done.stderr
    done = run_smokescreen("--verify-client", "--ca", tmp_path, tmp_path)
    assert done.returncode == 1 and "directory" in done.stderr


@pytest.mark.parametrize("words", [
    (), ("--ca", "a"), ("a",), ("--ca", "a", "b", "c"), ("--ca",),
    ("--nonsense", "a", "--ca", "a", "b"), ("--at", "noon", "--ca", "a", "b"),
    ("--at", "2026-02-30T00:00:00Z", "--ca", "a", "b"),
    ("--role-from", "", "--ca", "a", "b"),
    ("--role-from", "cn,", "--ca", "a", "b"),
    ("--role-from", "ou.x", "--ca", "a", "b"),
    ("--role-from", "cn:split=", "--ca", "a", "b"),
])
def test_usage(words):
    done = run_smokescreen("--verify-client", *words)
    assert done.returncode == 1 and done.stderr and not done.stdout
    assert "No such file" not in done.stderr
