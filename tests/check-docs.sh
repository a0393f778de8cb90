#!/bin/sh
# The documents say what is there: every source file has its line in
# docs/ARCHITECTURE.md, every option its place in a manual, manuals are clean.
set -eu
build=${BUILD:-build}
bad=0

complain() {
	echo "check-docs: $*" >&2
	bad=1
}

for file in $(find grammar compiler runtime \( -name '*.c' -o -name '*.re' -o -name '*.y' -o -name '*.def' \) | sort); do
	grep -qF "$(basename "$file")" docs/ARCHITECTURE.md ||
		complain "docs/ARCHITECTURE.md does not mention $file"
done
# and nothing that is gone
for word in $(grep -oE '`[a-z_/]+\.(c|h|re|y|def)`' docs/ARCHITECTURE.md | tr -d '`' | sort -u); do
	[ -n "$(find grammar compiler runtime tests -path "*$word" | head -n 1)" ] ||
		complain "docs/ARCHITECTURE.md mentions $word, which is not there"
done

for page in docs/*.[1-8]; do
	mandoc -Tlint -W warning "$page" || complain "$page is not clean"
done

for pair in smokescreenc:docs/smokescreenc.1 smokescreen:docs/smokescreen.8; do
	program=$build/${pair%%:*}
	page=${pair#*:}
	[ -x "$program" ] || { complain "$program is not built"; continue; }
	# mdoc writes --check as "Fl -check", with "\-" for a dash inside
	text=$(sed 's/\\-/-/g' "$page")
	for option in $("$program" --help | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u); do
		printf '%s' "$text" | grep -qF -- "Fl -${option#--}" ||
			complain "$page does not document $option"
	done
done

# current PAGE OPTION VALUE: the page is what the program prints
current() {
	"$build/smokescreenc" "$2" "$3" | cmp -s - "$1" ||
		complain "$1 is out of date: make docs"
}
current docs/DIAGNOSTICS.md --explain-code all
current docs/smokescreen-acl.schema.json --print-schema acl
current docs/smokescreen-tests.schema.json --print-schema tests

[ $bad = 0 ] && echo "check-docs: the documents say what is there"
exit $bad
