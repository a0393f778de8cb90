"""What the proxies are given: policies of any size, prefixes, certificates."""

import random
import subprocess
from pathlib import Path

from systems import BUILD, fail

SERVED = ["127.0.0.1", "example.com", "*.example.net"]
ROLE = "bench"


def random_globs(count, seed):
    pick = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    ends = ["com", "net", "org", "io", "co.uk", "de"]
    seen = set()
    while len(seen) < count:
        name = "".join(pick.choices(letters, k=pick.randint(5, 13)))
        glob = f"{name}.{pick.choice(ends)}"
        if pick.random() < 0.3:
            glob = f"{pick.choice(['api', 'www', 'cdn', 'eu'])}.{glob}"
        if pick.random() < 0.4:
            glob = f"*.{glob}"
        seen.add(glob)
    return sorted(seen)


def write_acl(path, globs):
    """The same list for the role of the certificates and for everybody."""
    with open(path, "w") as out:
        out.write("version: v1\nservices:\n"
                  f"- name: {ROLE}\n  project: bench\n  action: enforce\n"
                  "  allowed_domains: ['127.0.0.1']\n"
                  "default:\n  project: bench\n  action: enforce\n"
                  "  allowed_domains:\n")
        for glob in globs:
            out.write(f"  - '{glob}'\n")


def write_roles(path, roles, each):
    """ROLES services that take EACH globs from a shared pool, few of them
    popular and most of them rare, as real fleets do (Zipf)."""
    pool = random_globs(100_000, 7)
    pick = random.Random(8)
    weights, total = [], 0.0
    for rank in range(1, len(pool) + 1):
        total += 1 / rank
        weights.append(total)
    with open(path, "w") as out:
        out.write("version: v1\nservices:\n")
        for role in range(roles):
            out.write(f"- name: role-{role}\n  project: bench\n"
                      "  action: enforce\n  allowed_domains:\n")
            for glob in set(pick.choices(pool, cum_weights=weights, k=each)):
                out.write(f"  - '{glob}'\n")
        out.write("default:\n  project: bench\n  action: enforce\n")


def write_ranges(path, count):
    """COUNT IPv4 and COUNT IPv6 prefixes, a fifth of them allowed, in a
    proxy's configuration; they overlap."""
    pick = random.Random(9)
    lists = {"deny_ranges": [], "allow_ranges": []}
    for _ in range(count):
        for v6 in (False, True):
            action = "allow_ranges" if pick.random() < 0.2 else "deny_ranges"
            if v6:
                low = pick.getrandbits(45)
                lists[action].append(
                    f"{0x2000 | low >> 32:x}:{low >> 16 & 0xffff:x}:"
                    f"{low & 0xffff:x}::/{pick.choice((32, 40, 44, 48))}")
            else:
                low = pick.getrandbits(32)
                octets = ".".join(str(low >> s & 255) for s in (24, 16, 8, 0))
                lists[action].append(
                    f"{octets}/{pick.choice((16, 20, 22, 24, 32))}")
    with open(path, "w") as out:
        for key, values in lists.items():
            out.write(f"{key}:\n")
            for value in values:
                out.write(f"- '{value}'\n")


class Policy:
    """A policy of COUNT globs: .yaml, and the .blob made of it."""

    def __init__(self, directory, count=0):
        self.yaml = Path(directory, f"acl-{count}.yaml")
        self.blob = Path(directory, f"acl-{count}.blob")
        if not self.yaml.exists():
            write_acl(self.yaml, SERVED + random_globs(count, count))
        if not self.blob.exists():
            subprocess.run([BUILD / "smokescreenc", "--quiet", "-o", self.blob,
                            self.yaml], check=True)


class Pki:
    """A CA, a server's and a client's certificate with keys of one kind:
    "ec" is P-256, "rsa" RSA-2048."""

    def __init__(self, directory, kind):
        self.directory = Path(directory, f"pki-{kind}")
        self.key = ["-newkey", "rsa:2048"] if kind == "rsa" else \
            ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        self.ca, self.server, self.client = (
            self.directory / f"{name}.pem" for name in ("ca", "server",
                                                        "client"))
        if self.directory.exists():
            return
        self.directory.mkdir()
        self.make("ca", "/CN=bench CA", "basicConstraints=critical,CA:TRUE",
                  "keyUsage=critical,keyCertSign,cRLSign")
        leaf = ["basicConstraints=critical,CA:FALSE",
                "keyUsage=critical,digitalSignature,keyEncipherment"]
        self.make("server", "/CN=proxy.test", *leaf,
                  "extendedKeyUsage=serverAuth",
                  "subjectAltName=DNS:proxy.test")
        self.make("client", f"/CN={ROLE}/OU=bench", *leaf,
                  "extendedKeyUsage=clientAuth")

    def make(self, name, subject, *extensions):
        """NAME.pem: certificate and key in one file; the CA signs all but
        itself."""
        key = self.directory / f"{name}.key"
        command = ["openssl", "req", "-x509", "-nodes", "-days", "2",
                   *self.key, "-sha256", "-subj", subject, "-keyout", key]
        for extension in extensions:
            command += ["-addext", extension]
        if name != "ca":
            command += ["-CA", self.ca, "-CAkey", self.directory / "ca.key"]
        done = subprocess.run(command, capture_output=True, timeout=60)
        if done.returncode != 0:
            fail(done.stderr.decode())
        Path(self.directory, f"{name}.pem").write_bytes(
            done.stdout + (b"" if name == "ca" else key.read_bytes()))
