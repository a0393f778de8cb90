"""Certificates and CRLs that are about to end are warned of in time, once, and
there are metrics of when."""

import urllib.request
from datetime import datetime, timedelta, timezone

import pytest

import harness
import pki
import tls

DAY = 86400
METRICS = ("--expose-prometheus-metrics", "--prometheus-listen-ip",
           "127.0.0.1", "--prometheus-port", "0")
CERTIFICATE = "the server's certificate "
EXPIRED = CERTIFICATE + "has expired: clients that check will refuse it"
SOON = CERTIFICATE + "expires within a day"
CRL_SOON = ("the CRL of root expires within a day: without a newer one its "
            "clients will be refused")
CRL_OVER = CRL_SOON.replace("expires within a day", "is overdue")


def after(seconds):
    """Such a moment, as certificates have it, and in seconds since 1970."""
    then = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    then = then.replace(microsecond=0, tzinfo=None)
    return then.isoformat(), int(then.replace(
        tzinfo=timezone.utc).timestamp())


@pytest.fixture
def world(tmp_path):
    return tls.Pki(tmp_path)


@pytest.fixture
def secure(proxy, world):
    """Start a proxy with a bundle and a CRL that end at these moments."""
    def start(certificate, crl, *flags):
        return proxy("--tls-server-bundle-file",
                     world.server("bundle.pem", end=certificate),
                     "--tls-client-ca-file", world.ca,
                     "--tls-crl-file", world.crl("list.crl", next=crl),
                     *METRICS, *flags, acl=tls.ACL)
    return start


def metrics(child):
    """Of what ends: the samples by name and labels."""
    port = child.logged("serving metrics")[0]["port"]
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=harness.SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines
                if line.startswith("smokescreen_tls_c"))


def warned(child):
    return [line["msg"] for line in list(child.lines)
            if line["level"] == "warning" and
            ("expire" in line["msg"] or "overdue" in line["msg"])]


def test_nothing_is_said_of_what_is_good(secure):
    end, seconds = after(2 * DAY)
    child = secure(end, end)
    assert metrics(child) == {
        "smokescreen_tls_certificate_expiry_timestamp_seconds": str(seconds),
        "smokescreen_tls_crl_next_update_timestamp_seconds{issuer=\"root\"}":
            str(seconds)}
    assert warned(child) == []


def test_a_day_ahead(secure):
    """It is still good for more than a day as the program starts."""
    end, _ = after(DAY + 3)
    child = secure(end, end)
    child.wait_log(SOON)
    child.wait_log(CRL_SOON)
    # once, whatever comes to be so afterwards
    assert sorted(warned(child)) == sorted([SOON, CRL_SOON])


def test_when_it_has_come_to_that(secure):
    certificate, _ = after(3)
    crl, _ = after(8)  # it does not start with one that is overdue
    child = secure(certificate, crl)
    child.wait_log(EXPIRED)
    child.wait_log(CRL_OVER)
    said = warned(child)
    assert sorted(set(said)) == sorted(said)
    assert {EXPIRED, CRL_SOON, CRL_OVER} <= set(said) <= {
        SOON, EXPIRED, CRL_SOON, CRL_OVER}


def test_expired_as_it_starts(secure):
    child = secure("2021-01-01", "2040-01-01")
    child.wait_log(EXPIRED)
    assert warned(child) == [EXPIRED]
    assert metrics(child)[
        "smokescreen_tls_certificate_expiry_timestamp_seconds"] == "1609459200"


def test_a_reload_starts_anew(secure, world):
    """What was said of the old certificate is not said of the new one, and
    what is to be said of that is."""
    child = secure(after(3600)[0], "2040-01-01")
    child.wait_log(SOON)
    world.server("bundle.pem", end=after(2 * DAY)[0])
    child.reload()
    assert warned(child) == [SOON]
    end, seconds = after(DAY + 3)
    world.server("bundle.pem", end=end)
    child.reload()
    child.wait_log(SOON, 2)
    assert metrics(child)[
        "smokescreen_tls_certificate_expiry_timestamp_seconds"] == str(seconds)


def test_the_first_of_several_crls_of_a_name(proxy, world):
    """Two CAs may have the same name: a metric has one line for a label."""
    other = pki.authority("root")
    early, seconds = after(2 * DAY)
    child = proxy("--tls-server-bundle-file", world.bundle,
                  "--tls-client-ca-file", world.ca, "--tls-client-ca-file",
                  world.write("other.pem", other.pem),
                  "--tls-crl-file", world.crl("a.crl"), "--tls-crl-file",
                  world.crl("b.crl", issuer=other, next=early),
                  *METRICS, acl=tls.ACL)
    assert [(name, value) for name, value in metrics(child).items()
            if "crl" in name] == [(
                "smokescreen_tls_crl_next_update_timestamp_seconds"
                "{issuer=\"root\"}", str(seconds))]


def test_without_tls_there_is_nothing(proxy):
    assert metrics(proxy(*METRICS)) == {}
