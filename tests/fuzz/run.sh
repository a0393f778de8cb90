#!/bin/sh
# Run every fuzz target for SECONDS each over its corpus.
# usage: run.sh BUILD SECONDS
set -eu
build=$1
seconds=$2
failed=0

for target in "$build"/fuzz/fuzz_*; do
	[ -x "$target" ] || continue
	name=$(basename "$target")
	found=$build/fuzz/corpus/$name
	mkdir -p "$found" "$build/fuzz/artifacts"
	dictionary=
	[ -e "tests/fuzz/$name.dict" ] && dictionary="-dict=tests/fuzz/$name.dict"
	seeds=
	[ -d "tests/fuzz/corpus/$name" ] && seeds="tests/fuzz/corpus/$name"
	if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=0 -verbosity=0 $dictionary \
		-artifact_prefix="$build/fuzz/artifacts/$name-" \
		"$found" $seeds >"$build/fuzz/$name.log" 2>&1; then
		echo "ok $name"
	else
		tail -n 40 "$build/fuzz/$name.log"
		echo "not ok $name"
		failed=1
	fi
done
exit $failed
