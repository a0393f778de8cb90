"""The fixtures of those tests that ask smokescreen --verify-client."""

import pytest
from harness import run_smokescreen
from pki import Certificate, authority

AT = "2026-06-01T00:00:00Z"


class Verdict:
    def __init__(self, done):
        assert done.returncode in (0, 1), done.stderr
        self.role = done.stdout.rstrip("\n") if done.returncode == 0 else None
        self.reason = done.stderr
        # One or the other, and never both.
        assert (self.role is None) == (done.stdout == "")
        assert (self.role is None) == (self.reason != "")

    def refused(self, reason):
        assert self.role is None and f"({reason})" in self.reason, \
            (self.role, self.reason)


@pytest.fixture
def verify(tmp_path):
    """verify(leaf, ..., ca=root, crl=[...], ...) -> Verdict."""

    def as_text(each):
        return each.pem if isinstance(each, Certificate) else each

    def run(*chain, ca, crl=(), at=AT, role_from=None, file=None):
        cas = ca if isinstance(ca, (list, tuple)) else [ca]
        (tmp_path / "ca.pem").write_text("".join(map(as_text, cas)))
        args = ["--verify-client", "--ca", tmp_path / "ca.pem", "--at", at]
        for i, each in enumerate(crl):
            path = tmp_path / f"{i}.crl"
            if isinstance(each, bytes):
                path.write_bytes(each)
            else:
                path.write_text(each)
            args += ["--crl", path]
        if role_from is not None:
            args += [f"--role-from={role_from}"]
        if file is None:
            file = tmp_path / "chain.pem"
            file.write_text("".join(map(as_text, chain)))
        return Verdict(run_smokescreen(*args, file))

    return run


@pytest.fixture(scope="module")
def root():
    return authority("root")


@pytest.fixture(scope="module")
def middle(root):
    return authority("middle", root)
