"""README is what people try first: its policy compiles, its tests pass, its
commands run and its sample message is what the compiler prints."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
README = (ROOT / "README.md").read_text()
SECONDS = 60


def write_examples(directory):
    """The fenced YAML blocks, under the names in their first lines."""
    names = []
    for block in re.findall(r"```yaml\n(.*?)```", README, re.S):
        name = re.match(r"# (\S+)\n", block).group(1)
        (directory / name).write_text(block)
        names.append(name)
    return names


def run(directory, *command):
    return subprocess.run([BUILD / command[0], *command[1:]], cwd=directory,
                          capture_output=True, text=True, timeout=SECONDS)


def test_the_commands_run(tmp_path):
    assert write_examples(tmp_path) == ["acl.yaml", "acl.test.yaml"]
    commands = re.findall(r"^    \$ (smokescreenc .*?)(?: +#.*)?$", README,
                          re.M)
    assert len(commands) == 4
    for command in commands:
        done = run(tmp_path, *command.split())
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "warning:" not in done.stdout + done.stderr, command
    assert "3 passed, 0 failed" in done.stdout


def test_the_message_is_what_is_printed(tmp_path):
    write_examples(tmp_path)
    shown = re.search(r"^    (acl\.yaml:(\d+):\d+: error: .*(?:\n    .*)+)",
                      README, re.M)
    message = re.sub(r"^    ", "", shown.group(1), flags=re.M)
    acl = tmp_path / "acl.yaml"
    lines = acl.read_text().splitlines()
    lines[int(shown.group(2)) - 1] = "  - example.*.com"
    acl.write_text("\n".join(lines) + "\n")
    done = run(tmp_path, "smokescreenc", "--check", "acl.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith(message), done.stdout


def test_the_documents_are_there():
    for path in re.findall(r"\]\(((?:docs/|LICENSE)[^)#]*)\)", README):
        assert (ROOT / path).is_file(), path


def test_make_knows_what_it_names():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.M), target
