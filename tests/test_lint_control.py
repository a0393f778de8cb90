"""Which lints speak, and how loud: --lint, --werror, comments in the file.

What each lint says is in tests/cases/lint."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMOKESCREENC = ROOT / os.environ.get("BUILD", "build") / "smokescreenc"
SECONDS = 60
YES, NO, USAGE = 0, 1, 2

HEAD = "version: v1\nservices:\n"
TAIL = "default: {action: enforce, project: p}\n"
OPEN = HEAD + "- {name: a, project: p, action: open}\n" + TAIL


def run(*arguments, stdin=""):
    return subprocess.run([SMOKESCREENC, *arguments], input=stdin.encode(),
                          capture_output=True, timeout=SECONDS)


def check(text, *options):
    done = run("--check", "--format", "json", *options, "-", stdin=text)
    assert done.returncode in (YES, NO), done.stderr.decode()
    report = json.loads(done.stdout)
    found = [(item["name"], item["severity"])
             for item in report["diagnostics"]]
    errors = [one for one in found if one[1] == "error"]
    assert done.returncode == (NO if errors else YES)
    assert report["errors"] == len(errors)
    assert report["warnings"] == len(found) - len(errors)
    return found


def lints():
    text = (ROOT / "grammar/diagnostic.def").read_text()
    return re.findall(r'^DIAG\((L\d+), "([a-z-]+)"', text, re.M)


@pytest.mark.parametrize("level, severity",
                         [("warn", "warning"), ("error", "error")])
def test_level(level, severity):
    assert check(OPEN, "--lint", f"open-rule={level}") == \
        [("open-rule", severity)]


def test_off():
    assert check(OPEN, "--lint", "open-rule=off") == []


def test_code_for_a_name():
    assert check(OPEN, "--lint", "L005=error") == [("open-rule", "error")]


def test_last_one_wins():
    assert check(OPEN, "--lint", "open-rule=error", "--lint",
                 "open-rule=warn") == [("open-rule", "warning")]


def test_all():
    report = OPEN.replace("open", "report")
    assert check(OPEN, "--lint", "all=error") == [("open-rule", "error")]
    assert check(OPEN, "--lint", "all=off") == []
    assert check(report) == []
    assert check(report, "--lint", "all=warn") == [("report-rule", "warning")]
    assert check(OPEN, "--lint", "all=off", "--lint", "open-rule=warn") == \
        [("open-rule", "warning")]


def test_werror():
    assert check(OPEN, "--werror") == [("open-rule", "error")]


@pytest.mark.parametrize("argument, text", [
    ("open-rule", "NAME=off|warn|error is meant"),
    ("open-rul=warn", "did you mean 'open-rule'?"),
    ("open-rule=loud", "not 'loud'"),
    ("wrong-version=off", "no lint is called 'wrong-version'"),
    ("P001=off", "no lint is called 'P001'"),
    ("all=", "not ''"),
])
def test_usage(argument, text):
    done = run("--check", "--lint", argument, "-")
    assert done.returncode == USAGE
    assert text in done.stderr.decode()


@pytest.mark.parametrize("code, name", lints())
def test_every_lint_can_be_set(code, name):
    for level in ("off", "warn", "error"):
        done = run("--check", "--lint", f"{name}={level}", "--lint",
                   f"{code}={level}", "-", stdin=HEAD + "- {}\n")
        assert done.returncode == NO, done.stderr.decode()


def test_errors_stop_the_compiler(tmp_path):
    acl = tmp_path / "acl.yaml"
    acl.write_text(OPEN)
    assert run("--lint", "open-rule=error", acl).returncode == NO
    assert os.listdir(tmp_path) == ["acl.yaml"]
    assert run(acl).returncode == YES


# --- comments -----------------------------------------------------------------

ALLOW = "# smokescreenc: allow open-rule -- it is a test"


@pytest.mark.parametrize("options", [
    (), ("--werror",), ("--lint", "open-rule=error"), ("--lint", "all=error")])
def test_comment_wins_whatever_the_level(options):
    assert check(OPEN.replace("- {", f"{ALLOW}\n- {{"), *options) == []
    assert check(OPEN.replace("open}", f"open}} {ALLOW}"), *options) == []
    assert check(ALLOW.replace("allow", "allow-file") + "\n" + OPEN,
                 *options) == []


def test_comment_speaks_of_one_line():
    text = OPEN.replace("default", "- {name: b, project: p, action: open}\n"
                        "default").replace("- {", f"{ALLOW}\n- {{", 1)
    assert check(text) == [("open-rule", "warning")]


def test_file_comment_speaks_of_the_whole_file():
    text = "# smokescreenc: allow-file open-rule -- all are\n" + OPEN.replace(
        "default", "- {name: b, project: p, action: open}\ndefault")
    assert check(text) == []


@pytest.mark.parametrize("line", [
    "#smokescreenc: allow open-rule -- no blank",
    "#   smokescreenc:   allow   open-rule   --   blanks",
    "#\tsmokescreenc:\tallow\topen-rule\t--\ttabs",
    "# smokescreenc: allow L005 -- by its code",
    "# smokescreenc: allow single-label,open-rule -- no blank behind the comma",
    "# smokescreenc: allow single-label open-rule -- no comma",
    "# smokescreenc: allow open-rule -- -- dashes -- in it",
])
def test_spelling(line):
    found = check(OPEN.replace("- {", f"{line}\n- {{"), "--lint",
                  "unused-suppression=off")
    assert found == []


@pytest.mark.parametrize("line", [
    "# Smokescreenc: allow open-rule -- not its name",
    "# note: smokescreenc: allow open-rule -- not at the start",
    "# smokescreenc allow open-rule -- no colon",
    "## smokescreenc: allow open-rule -- two signs",
])
def test_other_comments_are_comments(line):
    assert check(OPEN.replace("- {", f"{line}\n- {{")) == \
        [("open-rule", "warning")]


def test_text_is_no_comment():
    text = OPEN.replace("project: p", f'project: "{ALLOW}"', 1)
    assert check(text) == [("open-rule", "warning")]
    text = OPEN.replace("project: p", f'project: "a\n  {ALLOW}\n  b"', 1)
    assert check(text) == [("open-rule", "warning")]


def test_line_endings_and_marks():
    text = OPEN.replace("- {", f"{ALLOW}\n- {{")
    assert check(text.replace("\n", "\r\n")) == []
    assert check("\ufeff" + ALLOW.replace("allow", "allow-file") + "\n" +
                 OPEN) == []
    assert check("---\n" + text) == []


def test_nothing_is_said_of_comments_elsewhere(tmp_path):
    """Where lints are not asked for, neither are their exceptions."""
    acl = tmp_path / "acl.yaml"
    acl.write_text("# smokescreenc: allow nothing\n" + OPEN)
    done = run("--explain", acl, "--role", "a", "--host", "example.com")
    assert done.returncode == YES and not done.stderr


def test_unused_is_a_lint_of_its_own():
    text = ALLOW.replace("allow", "allow-file") + "\n" + HEAD + TAIL
    text = text.replace("services:\n", "services: []\n")
    assert check(text) == [("unused-suppression", "warning")]
    assert check(text, "--lint", "unused-suppression=off") == []
    assert check(text, "--lint", "open-rule=off") == []
    assert check(text, "--werror") == [("unused-suppression", "error")]


def test_samples_are_clean():
    policies = [str(path) for path in (ROOT / "policies").glob("*.yaml")
                if not path.name.endswith(".test.yaml")]
    done = run("--check", "--werror", *policies)
    assert done.returncode == YES, done.stdout.decode()


# --- cost ---------------------------------------------------------------------

def cpu_of_check(text, path):
    path.write_text(text)
    pid = os.spawnv(os.P_NOWAIT, SMOKESCREENC,
                    ["smokescreenc", "--check", "--quiet", str(path)])
    _, status, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (YES, NO)
    return usage.ru_utime


def entries(names):
    return HEAD + "- name: a\n  project: p\n  action: enforce\n" \
        "  allowed_domains:\n" + "".join(f"  - {name}\n" for name in names) \
        + TAIL


def remarks(count):
    return "# smokescreenc: allow L011 -- x\n" * count


HOSTILE = {
    "stacked-comments": lambda n: HEAD + remarks(n) +
    "- {name: a, action: open}\n" + TAIL,
    "comment-on-each": lambda n: entries(
        f"h{i} # smokescreenc: allow L011 -- x" for i in range(n)),
    "one-line": lambda n: HEAD + remarks(n) +
    "- {name: a, project: p, action: enforce, allowed_domains: [" +
    ", ".join(f"h{i}" for i in range(n)) + "]}\n" + TAIL,
    "duplicates": lambda n: entries(["example.com"] * n),
    "duplicates-on-one-line": lambda n: HEAD +
    "- {name: a, project: p, action: enforce, allowed_domains: [" +
    ", ".join(["example.com"] * n) + "]}\n" + TAIL,
    "duplicates-below-comments": lambda n: HEAD +
    "- name: a\n  project: p\n  action: enforce\n  allowed_domains:\n" +
    "  # a comment\n" * n + "  # smokescreenc: allow L014 -- x\n" +
    "  - example.com\n" * n + TAIL,
    "below-one-wildcard": lambda n: entries(
        ['"*.example.com"'] + [f"h{i}.example.com" for i in range(n)]),
    "one-prefix": lambda n: entries(
        f"service-{i:06d}-name.com" for i in range(n)),
    "one-shortened-form": lambda n: entries(
        f"aaaaaaaa{chr(97 + i % 26)}{'a' * (i // 26 % 40)}b{i // 1040}.com"
        for i in range(n)),
    "look-alikes": lambda n: entries(
        [f"h{i}.com" for i in range(n)] + ["xn--80ak6aa92e.com"] * n),
    "deny-overridden": lambda n: entries(['"*.example.com"']) +
    "global_deny_list:\n" +
    "".join(f"- h{i}.example.com\n" for i in range(n)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_cost_is_linear(tmp_path, kind):
    """Four times as much takes about four times as long; noise apart."""
    path = tmp_path / "acl.yaml"
    small = max(cpu_of_check(HOSTILE[kind](5_000), path), 0.01)
    large = cpu_of_check(HOSTILE[kind](20_000), path)
    assert large < 12 * small, (small, large)
