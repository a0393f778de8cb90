#!/bin/sh
# clang-tidy and cppcheck over our own C, any finding an error.
set -eu
build=${BUILD:-build}
files=$(find grammar compiler runtime -name '*.c' | sort)
[ -n "$files" ] || exit 0

cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	--enable=warning,performance,portability \
	--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	-D_GNU_SOURCE -I. -I"$build/gen" -j 2 $files

printf '%s\n' $files | xargs -P 2 -n 8 clang-tidy --quiet \
	--warnings-as-errors='*' \
	--checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-reserved-identifier,-bugprone-assignment-in-if-condition,-bugprone-branch-clone,-bugprone-macro-parentheses' \
	-- -std=c17 -D_GNU_SOURCE -I. -I"$build/gen" -DSMOKESCREEN_VERSION='"lint"' 2>/dev/null
echo "lint: clean"
