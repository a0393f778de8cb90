"""smokescreen --verify-client: certificate policies (RFC 5280 6.1).  Nobody asks
for one here but the CAs."""

import pki
import pytest
from judge import root, verify  # noqa: F401
from pki import Certificate, authority

A, B, ANY = "1.2.3.4", "1.2.3.5", "2.5.29.32.0"


def policies(*oids):
    return pki.ext(32, pki.seq(*[pki.seq(pki.oid(each)) for each in oids]))


def demand(require=0, inhibit_mapping=None):
    """Policy constraints: a policy from REQUIRE certificates below on."""
    fields = [pki.tlv(0x80 + i, bytes([number])) for i, number in
              enumerate((require, inhibit_mapping)) if number is not None]
    return pki.ext(36, pki.seq(*fields), True)


def mapping(*pairs):
    return pki.ext(33, pki.seq(*[pki.seq(pki.oid(a), pki.oid(b))
                                 for a, b in pairs]), True)


def inhibit_any(below):
    return pki.ext(54, pki.integer(below), True)


@pytest.fixture
def judge(verify, root):
    """judge([extensions of a CA], ..., [those of the client]): from the top."""

    def run(*each):
        chain, issuer = [], root
        for i, more in enumerate(each[:-1]):
            issuer = authority(f"ca{i}", issuer, more=more)
            chain.insert(0, issuer)
        return verify(Certificate("web", issuer, more=each[-1]), *chain,
                      ca=root)

    return run


@pytest.mark.parametrize("path", [
    [[], []],
    [[policies(A)], []],
    [[policies(A)], [policies(B)]],
    [[policies(A), demand()], [policies(A)]],
    [[policies(ANY), demand()], [policies(B)]],
    [[policies(A, B), demand()], [policies(ANY)]],
    [[policies(A), demand(2)], []],
    [[policies(A), demand(), mapping((A, B))], [policies(B)]],
    [[policies(ANY), demand(), mapping((A, B))], [policies(B)]],
    [[policies(A), demand(), inhibit_any(1)], [policies(ANY)], [policies(A)]],
    [[demand(None, 1), policies(A)], [policies(A), demand(), mapping((A, B))],
     [policies(B)]],
])
def test_policies_that_agree(judge, path):
    assert judge(*path).role == "web"


@pytest.mark.parametrize("path", [
    [[policies(A), demand()], []],
    [[demand()], [policies(A)]],
    [[policies(A), demand()], [policies(B)]],
    [[policies(A), demand(1)], []],
    [[policies(A)], [policies(B), demand()], [policies(A, B)]],
    [[policies(A), demand(), mapping((A, B))], [policies(A)]],
    [[policies(A), mapping((A, ANY))], [policies(A)]],
    [[policies(A), mapping((ANY, A))], [policies(A)]],
    [[policies(A), demand(), inhibit_any(0)], [policies(ANY)]],
    [[policies(A), demand(), inhibit_any(1)], [policies(ANY)],
     [policies(ANY)]],
    [[demand(None, 0), policies(A)], [policies(A), demand(), mapping((A, B))],
     [policies(B)]],
])
def test_policies_that_do_not(judge, path):
    judge(*path).refused("POLICY")


def test_a_client_may_demand_one(judge):
    judge([policies(A)], [demand()]).refused("POLICY")


@pytest.mark.parametrize("broken", [
    pki.ext(32, pki.seq()), policies(A, A), pki.ext(33, pki.seq()),
    pki.ext(36, pki.seq()), pki.ext(54, pki.integer(-1)),
    pki.ext(32, pki.seq(pki.seq(pki.oid(A), pki.seq()))),
])
def test_broken_policies(judge, broken):
    judge([], [broken]).refused("EXTENSION")
