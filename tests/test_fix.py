"""--fix: what is safe is mended where it stands, and nothing else moves."""

import json
import os
import random
import re
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMOKESCREENC = ROOT / os.environ.get("BUILD", "build") / "smokescreenc"
SECONDS = 60
YES, NO, USAGE, IO = 0, 1, 2, 3

HEAD = "version: v1\nservices:\n- name: svc\n  project: p\n  action: enforce\n"
TAIL = "default: {action: enforce, project: p}\n"


def run(*arguments, stdin=b""):
    return subprocess.run([SMOKESCREENC, *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=SECONDS)


def digest(path):
    """What the policy decides, or None when it does not compile."""
    blob = path.with_suffix(".digest")
    done = run("--lint", "all=off", "-o", blob, path)
    if done.returncode != YES:
        return None
    info = run("--info", "--format", "json", blob)
    blob.unlink()
    return json.loads(info.stdout)["digest"]


def mend(tmp_path, text):
    """The text after --fix, which a second run must not change."""
    path = tmp_path / "acl.yaml"
    path.write_bytes(text.encode())
    before = digest(path)
    run("--fix", path)
    mended = path.read_bytes()
    if before is not None:
        assert digest(path) == before
    again = run("--fix", path)
    assert path.read_bytes() == mended
    assert b"fixed:" not in again.stderr
    assert os.listdir(tmp_path) == ["acl.yaml"]
    return mended.decode()


def domains(text, key="allowed_domains"):
    return f"{HEAD}  {key}:{text}{TAIL}"


# id -> entries of the list, and what becomes of them
MENDED = {
    "case": (" [A.com]\n", " [a.com]\n"),
    "final-dot": (" [a.com.]\n", " [a.com]\n"),
    "unicode": (" [bücher.example]\n", " [xn--bcher-kva.example]\n"),
    "wildcard": (' ["*.A.com"]\n', ' ["*.a.com"]\n'),
    "single-quotes": (" ['A.com']\n", " ['a.com']\n"),
    "double-quotes": (' ["A.com"]\n', ' ["a.com"]\n'),
    "escape": (' ["b\\u00fccher.example"]\n', ' ["xn--bcher-kva.example"]\n'),
    "null-is-a-name": (" [NULL.]\n", ' ["null"]\n'),
    "block": ("\n  - a.com\n  - b.com\n  - a.com\n",
              "\n  - a.com\n  - b.com\n"),
    "block-middle": ("\n  - a.com\n  - a.com\n  - b.com\n",
                     "\n  - a.com\n  - b.com\n"),
    "block-many": ("\n  - a.com\n  - a.com\n  - a.com\n", "\n  - a.com\n"),
    "block-comment": ("\n  - a.com # one\n  # two\n  - a.com # three\n",
                      "\n  - a.com # one\n  # two\n  # three\n"),
    "block-quoted": ("\n  - a.com\n  - 'a.com'\n  - \"a.com\"\n",
                     "\n  - a.com\n"),
    "block-blank-lines": ("\n  - a.com\n\n  - a.com\n\n  - b.com\n",
                          "\n  - a.com\n\n\n  - b.com\n"),
    "block-blanks": ("\n  -   a.com\n  -   a.com   \n  -   b.com   \n",
                     "\n  -   a.com\n  -   b.com   \n"),
    "crlf": ("\r\n  - a.com\r\n  - a.com\r\n  - B.com\r\n",
             "\r\n  - a.com\r\n  - b.com\r\n"),
    "flow-last": (" [a.com, a.com]\n", " [a.com]\n"),
    "flow-middle": (" [a.com, a.com, b.com]\n", " [a.com, b.com]\n"),
    "flow-tight": (" [a.com,a.com,b.com,a.com]\n", " [a.com,b.com]\n"),
    "flow-many": (" [a.com, b.com, a.com, b.com, a.com]\n",
                  " [a.com, b.com]\n"),
    "flow-trailing-comma": (" [ a.com, a.com, ]\n", " [ a.com, ]\n"),
    "flow-lines": (" [\n    a.com,\n    a.com,\n    b.com,\n    a.com\n   ]\n",
                   " [\n    a.com,\n    b.com\n   ]\n"),
    "flow-line-comment": (" [\n    a.com,\n    a.com, # why\n    b.com\n   ]\n",
                          " [\n    a.com,\n    # why\n    b.com\n   ]\n"),
    "flow-end-of-line": (" [a.com, a.com,\n    b.com]\n",
                         " [a.com,\n    b.com]\n"),
    "becomes-duplicate": ("\n  - a.com\n  - A.com.\n", "\n  - a.com\n"),
    "own-comment-goes": ("\n  - a.com\n"
                         "  - a.com # smokescreenc: allow L014 -- gone\n",
                         "\n  - a.com\n"),
}

# What is better left to people.
LEFT = {
    "clean": "\n  - a.com # Comment.\n  - 'b.com'\n",
    "shadowed": ' ["*.a.com", x.a.com]\n',
    "anchored": "\n  - a.com\n  - &x a.com\n  - *x\n",
    "alias": " [&x a.com, *x]\n",
    "comment-between": " [a.com,\n    b.com, # b\n    a.com]\n",
    "spoken-for": ("\n  - a.com\n"
                   "  # smokescreenc: allow single-label -- the next line\n"
                   "  - a.com\n  - localhost\n"),
    "allowed": ("\n  - a.com\n"
                "  - a.com # smokescreenc: allow duplicate-entry -- a test\n"),
    "escaped": ' [a.com, "\\x61.com"]\n',
    "error": " [a.*.com, a.com]\n",
}


@pytest.mark.parametrize("name", MENDED)
def test_mended(tmp_path, name):
    before, after = MENDED[name]
    assert mend(tmp_path, domains(before)) == domains(after)


@pytest.mark.parametrize("name", LEFT)
def test_left_alone(tmp_path, name):
    text = domains(LEFT[name])
    assert mend(tmp_path, text) == text


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n# end", "\n..."])
def test_last_line(tmp_path, ending):
    text = f"{HEAD}{TAIL}global_deny_list:\n- a.com\n- A.com{ending}"
    wanted = f"{HEAD}{TAIL}global_deny_list:\n- a.com\n" + \
        re.sub(r"^\r?\n", "", ending)
    assert mend(tmp_path, text) == wanted


def test_byte_order_mark(tmp_path):
    text = "\ufeff" + domains(" [A.com]\n")
    assert mend(tmp_path, text) == "\ufeff" + domains(" [a.com]\n")


def test_json(tmp_path):
    policy = {"version": "v1", "services": [], "global_deny_list":
              ["a.com", "A.com", "b.com", "a.com"]}
    mended = mend(tmp_path, json.dumps(policy, indent=1))
    policy["global_deny_list"] = ["a.com", "b.com"]
    assert json.loads(mended) == policy


def test_mitm_domain_is_mended_with_its_entry(tmp_path):
    text = domains(" [A.com]\n  mitm_domains: [{domain: A.com}]\n")
    assert mend(tmp_path, text) == text.replace("A.com", "a.com")


def test_shared_list(tmp_path):
    text = f"{HEAD}  allowed_domains: &l [a.com, a.com, B.com]\n" \
        "- name: b\n  project: p\n  action: enforce\n" \
        f"  allowed_domains: *l\n{TAIL}"
    assert mend(tmp_path, text) == \
        text.replace("[a.com, a.com, B.com]", "[a.com, b.com]")


def test_says_what_it_did(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [A.com, a.com, x.y]\n"))
    done = run("--fix", path)
    assert done.returncode == YES
    said = done.stderr.decode().splitlines()
    assert [line.rsplit(" ", 1)[1] for line in said] == ["[P035]", "[L001]"]
    assert said[0].startswith(f"{path}:6:21: fixed: ")
    assert done.stdout == b"1 file, 0 errors, 0 warnings\n"


def test_quiet(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [A.com]\n"))
    done = run("--fix", "--quiet", path)
    assert (done.returncode, done.stdout, done.stderr) == (YES, b"", b"")
    assert path.read_text() == domains(" [a.com]\n")


def test_what_remains_is_reported(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [A.com, a.*.com]\n"))
    done = run("--fix", "--format", "json", path)
    assert done.returncode == NO
    report = json.loads(done.stdout)
    assert [item["code"] for item in report["diagnostics"]] == ["P031"]
    assert path.read_text() == domains(" [a.com, a.*.com]\n")


def test_several_files_and_directories(tmp_path):
    for name in ("a.yaml", "sub/b.yaml", "sub/c.yml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(domains(" [A.com]\n"))
    done = run("--fix", tmp_path / "a.yaml", tmp_path / "sub")
    assert done.returncode == YES
    assert done.stdout == b"3 files, 0 errors, 0 warnings\n"
    for path in tmp_path.rglob("*.y*ml"):
        assert path.read_text() == domains(" [a.com]\n")


def test_standard_input_goes_to_standard_output():
    text = domains(" [A.com, a.*.com]\n").encode()
    done = run("--fix", "-", stdin=text)
    assert done.returncode == NO
    assert done.stdout == text.replace(b"A.com", b"a.com")
    assert b"fixed:" in done.stderr and b"P031" in done.stderr


def test_standard_input_that_needs_nothing():
    text = domains(" [a.com]\n").encode()
    done = run("--fix", "-", stdin=text)
    assert (done.returncode, done.stdout) == (YES, text)


def test_other_files_are_not_mended(tmp_path):
    """Only the policy is: the configuration has its own owner."""
    path, config = tmp_path / "acl.yaml", tmp_path / "config.yaml"
    path.write_text(domains(" [A.com]\n"))
    config.write_text("allow_ranges: [10.0.0.0/8, 10.0.0.0/8]\n")
    before = config.read_bytes()
    run("--fix", "--config-file", config, path)
    assert config.read_bytes() == before
    assert path.read_text() == domains(" [a.com]\n")


def test_mode_is_kept(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [A.com]\n"))
    path.chmod(0o640)
    run("--fix", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_is_kept(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [A.com]\n"))
    os.chown(path, 12345, 23456)
    run("--fix", path)
    assert path.read_text() == domains(" [a.com]\n")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_link_is_followed(tmp_path):
    path, link = tmp_path / "acl.yaml", tmp_path / "link.yaml"
    path.write_text(domains(" [A.com]\n"))
    link.symlink_to(path.name)
    assert run("--fix", link).returncode == YES
    assert link.is_symlink()
    assert path.read_text() == domains(" [a.com]\n")


def test_untouched_when_there_is_nothing(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [a.com]\n"))
    before = path.stat()
    assert run("--fix", path).returncode == YES
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == \
        (after.st_ino, after.st_mtime_ns)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_directory_that_cannot_be_written(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(domains(" [A.com]\n"))
    tmp_path.chmod(0o500)
    try:
        assert run("--fix", path).returncode == IO
        assert path.read_text() == domains(" [A.com]\n")
    finally:
        tmp_path.chmod(0o700)


def test_not_a_regular_file(tmp_path):
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    done = run("--fix", fifo)
    assert done.returncode == IO
    assert b"not a regular file" in done.stderr


def test_missing_file():
    assert run("--fix", "no-such-file.yaml").returncode == IO


def test_has_no_meaning_when_compiling():
    done = run("--fix", "-o", "x", "acl.yaml")
    assert done.returncode == USAGE


# --- random policies ----------------------------------------------------------

NAMES = ["a.com", "b.com", "www.a.com", "*.c.org", "xn--bcher-kva.example",
         "localhost", "d.example.co.uk", "1.2.3.4", "null"]


def spell(pick, name, clean):
    """NAME as somebody might write it; CLEAN: so that it compiles."""
    text = name
    if not clean and pick.random() < 0.2:
        text = pick.choice([text.upper(), text.title(), text + "."])
    if not clean and "xn--" in text and pick.random() < 0.5:
        text = "bücher.example"
    if not clean and pick.random() < 0.05:
        text = pick.choice(["a.*.com", "a..b", "", "*", "bad host"])
    style = pick.choice(["plain", "single", "double"])
    if "*" in text or text in ("", "null", "NULL", "Null"):
        style = pick.choice(["single", "double"])
    if style == "single":
        text = f"'{text}'"
    elif style == "double":
        text = f'"{text}"'
    return text


class Comments:
    def __init__(self, pick):
        self.pick, self.count = pick, 0

    def maybe(self, chance=0.2):
        if self.pick.random() >= chance:
            return ""
        self.count += 1
        return f"{self.pick.choice([' ', '   '])}# comment {self.count}"


def write_list(pick, comments, indent, clean):
    names = [pick.choice(NAMES) for _ in range(pick.randint(1, 7))]
    anchors = pick.random() < 0.1
    items = [("&x " if anchors and i == 1 else "") + spell(pick, name, clean)
             for i, name in enumerate(names)]
    if anchors and len(items) > 2:
        items[-1] = "*x"
    kind = pick.choice(["block", "flow", "lines"])
    if kind == "block":
        out = comments.maybe() + "\n"
        for item in items:
            if pick.random() < 0.1:
                out += pick.choice(["\n", f"{indent} # above\n"])
            out += f"{indent}-{pick.choice([' ', '  '])}{item}" + \
                comments.maybe() + "\n"
        return out
    if kind == "flow":
        comma = pick.choice([",", ", ", " , "])
        return f" [{comma.join(items)}]" + comments.maybe() + "\n"
    out = " [" + comments.maybe() + "\n"
    for i, item in enumerate(items):
        last = i + 1 == len(items)
        out += f"{indent}   {item}" + \
            ("" if last and pick.random() < 0.7 else ",") + \
            pick.choice([comments.maybe() + "\n", " "])
    return out + f"{indent} ]\n"


def write_policy(pick):
    comments = Comments(pick)
    clean = pick.random() < 0.5
    out = comments.maybe().strip() + "\nversion: v1\nservices:\n"
    for i in range(pick.randint(1, 3)):
        out += f"- name: s{i}{comments.maybe()}\n  action: enforce\n"
        out += "  allowed_domains:" + write_list(pick, comments, "  ", clean)
        if pick.random() < 0.3:
            out += "  allowed_external_proxies:" + \
                write_list(pick, comments, "    ", clean)
    if pick.random() < 0.5:
        out += "global_deny_list:" + write_list(pick, comments, "", clean)
    if pick.random() < 0.2:
        out = out.replace("\n", "\r\n")
    return out


def comments_of(text):
    return re.findall(r"# comment \d+|# above", text)


@pytest.mark.parametrize("seed", range(8))
def test_random_policies(tmp_path, seed):
    pick = random.Random(seed)
    changed = compiled = 0
    for _ in range(20):
        text = write_policy(pick)
        path = tmp_path / "acl.yaml"
        path.write_bytes(text.encode())
        before = digest(path)
        compiled += before is not None
        mended = mend(tmp_path, text)
        changed += mended != text
        assert comments_of(mended) == comments_of(text), text
        if before is None:
            had = run("--check", "--format", "json", "-", stdin=text.encode())
            has = run("--check", "--format", "json", "-",
                      stdin=mended.encode())
            codes = [{item["code"][0] for item in
                      json.loads(done.stdout)["diagnostics"]
                      if item["severity"] == "error"} for done in (had, has)]
            assert codes[1] <= codes[0], text
        else:
            report = json.loads(run("--check", "--format", "json",
                                    path).stdout)
            for item in report["diagnostics"]:
                assert not item.get("fix", {}).get("safe")
    assert changed > 5 and compiled > 2


def test_a_slip_is_offered_and_not_applied(tmp_path):
    path = tmp_path / "acl.yaml"
    text = domains(' [a.example.com, b.example.com, "*.exmaple.com"]\n')
    path.write_text(text)
    report = json.loads(run("--fix", "--format", "json", path).stdout)
    fix = report["diagnostics"][0]["fix"]
    line = text.splitlines()[fix["line"] - 1]
    assert line[fix["column"] - 1:fix["end_column"] - 1] == "exmaple.com"
    assert (fix["replacement"], fix["safe"]) == ("example.com", False)
    assert path.read_text() == text
