#!/bin/sh
# Put promtool into a directory, build/tools unless another is named, from
# Debian's prometheus: unpacked, not installed, so that no daemon comes to run.
# Without it the tests that ask for it are skipped, so that this never fails.
# usage: fetch-promtool.sh [DIRECTORY]
set -eu
tools=${1:-build/tools}
[ ! -x "$tools/promtool" ] || exit 0
if command -v promtool >/dev/null 2>&1; then
	exit 0
fi

skip() {
	echo "no promtool ($1): tests that need it will be skipped" >&2
	exit 0
}

command -v apt-get >/dev/null 2>&1 || skip "no apt-get"
mkdir -p "$tools"
work=$(mktemp -d "$tools/promtool.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
(cd "$work" && apt-get download -qq prometheus >log 2>&1) ||
	skip "$(tail -n 1 "$work/log")"
dpkg-deb -x "$work"/prometheus_*.deb "$work/root" 2>>"$work/log" ||
	skip "$(tail -n 1 "$work/log")"
"$work/root/usr/bin/promtool" --version >>"$work/log" 2>&1 ||
	skip "it does not run here"
mv "$work/root/usr/bin/promtool" "$tools/promtool"
