"""Servers that speak TLS, origins and upstream proxies alike, with a CA of their
own that the proxy under test is told to trust."""

import contextlib
import ssl
from pathlib import Path

import pki
import web


class Servers:
    """A CA of servers, and the certificates that it gives out."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.root = pki.authority("servers")
        self.middle = pki.authority("servers' middle", self.root)
        self.key = pki.Key()
        self.ca = self.write("servers.pem", self.root.pem)
        self.trust = ("--origin-ca-file", self.ca)
        self.good = self.issue("good.pem")

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def issue(self, file, *names, issuer=None, chain=(), key=None,
              more=None, subject="server", **rest):
        """A file with a certificate for these names, the chain and the key."""
        names = names or (pki.dns("origin.test"), pki.dns("proxy.test"),
                          pki.ip([127, 0, 0, 1]))
        extensions = [pki.alt_names(*names), *(
            [pki.usage(pki.DIGITAL), pki.purposes(pki.SERVER)]
            if more is None else more)]
        made = pki.Certificate(subject, issuer or self.root,
                               key=key or self.key, extensions=extensions,
                               **rest)
        return self.write(file, "".join(
            [made.pem, *(each.pem for each in chain), made.key.pem.decode()]))


def context(file, **more):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def over_tls(serve, made, asked=None, polite=True):
    """The same server, over TLS; `asked` gets what SNI each client sends."""
    if asked is not None:
        made.sni_callback = lambda _sock, name, _context: asked.append(name)

    def secured(sock):
        with made.wrap_socket(sock, server_side=True,
                              suppress_ragged_eofs=False) as tls:
            serve(tls)
            if polite:
                with contextlib.suppress(OSError, ValueError):
                    tls.unwrap()
    return secured


class Site(web.Site):
    """A web.Site over TLS."""

    def __init__(self, start, file, *answers, host="origin.test", end=False,
                 polite=True, **more):
        self.asked = []
        made = context(file, **more)
        super().__init__(
            lambda serve: start(over_tls(lambda sock: self.serve(sock), made,
                                         self.asked, polite)),
            *answers, end=end)
        self.at = f"{host}:{self.port}"
        self.url = f"https://{self.at}"


def ask(child, there, **more):
    """One request for the site, on a connection of its own."""
    with web.dial(child) as client:
        client.send(there.get(**more))
        return client.message(bodiless=more.get("method") == "HEAD")
