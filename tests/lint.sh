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

checks='-*,clang-analyzer-*,bugprone-*'
# Checks that ask for what C17 on Linux has not (memcpy_s), for names we choose
# on purpose, for taste, or that this clang gets wrong (va_list, NUL-terminated
# copies of bytes that are no strings).
for off in clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling \
	bugprone-easily-swappable-parameters bugprone-narrowing-conversions \
	bugprone-reserved-identifier bugprone-assignment-in-if-condition \
	bugprone-branch-clone bugprone-macro-parentheses \
	bugprone-implicit-widening-of-multiplication-result \
	bugprone-not-null-terminated-result bugprone-sizeof-expression \
	clang-analyzer-valist.Uninitialized clang-analyzer-optin.performance.Padding; do
	checks="$checks,-$off"
done
export checks build
printf '%s\n' $files | xargs -P 2 -n 6 sh -c '
	clang-tidy --quiet --warnings-as-errors="*" --checks="$checks" "$@" -- \
		-std=c17 -D_GNU_SOURCE -I. -I"$build/gen" \
		-DSMOKESCREEN_VERSION="\"lint\"" 2>/dev/null' clang-tidy
echo "lint: clean"
