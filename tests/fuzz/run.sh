#!/bin/sh
# Run every fuzz target for SECONDS each over its corpus, two at a time.
# usage: run.sh BUILD SECONDS [TARGET]
set -eu
build=$1
seconds=$2

if [ $# -lt 3 ]; then
	find "$build/fuzz" -maxdepth 1 -name 'fuzz_*' -type f -perm -u+x |
		sort | xargs -r -n 1 -P 2 sh "$0" "$build" "$seconds"
	exit
fi

target=$3
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
	exit 1
fi
