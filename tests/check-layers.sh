#!/bin/sh
# Who may include whom, and what the pure heart may call.  Reads the includes of
# every source file and the undefined symbols of the policy objects.
set -eu
build=${BUILD:-build}
bad=0

complain() {
	echo "check-layers: $*" >&2
	bad=1
}

# directory of a path as a layer name
layer() {
	case $1 in
	grammar/*) echo grammar ;;
	compiler/*) echo compiler ;;
	runtime/policy/*) echo policy ;;
	runtime/*) echo runtime ;;
	*) echo other ;;
	esac
}

allowed() { # FROM TO FILE TARGET
	case $1:$2 in
	grammar:grammar | policy:policy | compiler:compiler | runtime:runtime) return 0 ;;
	compiler:grammar | compiler:policy | runtime:policy) return 0 ;;
	runtime:grammar)
		# the config file, and the scanners of HTTP and PROXY lines
		case $3 in runtime/config.[ch] | runtime/options.[ch]) return 0 ;; esac
		case $4 in grammar/request.h | grammar/response.h | grammar/head.h | \
			grammar/chunked.h | grammar/proxyline.h) return 0 ;; esac
		;;
	esac
	return 1
}

for file in $(find grammar compiler runtime -name '*.[ch]' -o -name '*.re' -o -name '*.y' | sort); do
	from=$(layer "$file")
	for target in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
		case $target in
		*/*) path=$target ;;
		*) path=$(dirname "$file")/$target ;;
		esac
		[ -e "$path" ] || [ -e "$build/gen/$path" ] ||
			complain "$file: includes $target, which is not there"
		allowed "$from" "$(layer "$path")" "$file" "$path" ||
			complain "$file: $from must not include $path"
	done
	for system in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*<\([^>]*\)>.*/\1/p' "$file"); do
		case $from:$system in
		policy:event2/* | policy:bearssl* | policy:stdio.h | policy:ares.h)
			complain "$file: the policy library has no need of <$system>" ;;
		policy:idn2.h)
			[ "$file" = runtime/policy/idna.c ] ||
				complain "$file: libidn2 belongs to idna.c" ;;
		policy:stdlib.h)
			case $file in
			runtime/policy/ranges_build.c | runtime/policy/idna.c) ;;
			*) complain "$file: no allocation here, so no <stdlib.h>" ;;
			esac ;;
		policy:sys/mman.h | policy:unistd.h | policy:fcntl.h | policy:sys/stat.h)
			[ "$file" = runtime/policy/blob.c ] ||
				complain "$file: files belong to blob.c" ;;
		runtime:nettle/*)
			[ "$file" = runtime/tls/crypto_nettle.c ] ||
				complain "$file: nettle belongs to crypto_nettle.c" ;;
		runtime:gmp.h)
			case $file in
			runtime/tls/crypto_nettle.c | runtime/tls/crypto_gmp.c | runtime/tls/limbs-internal.h) ;;
			*) complain "$file: GMP belongs to crypto_nettle.c and crypto_gmp.c" ;;
			esac ;;
		runtime:bearssl*)
			case $file in runtime/tls/*) ;; *) complain "$file: BearSSL belongs to runtime/tls" ;; esac ;;
		grammar:event2/* | grammar:bearssl* | compiler:event2/* | *:nettle/* | *:gmp.h)
			complain "$file: $from has no need of <$system>" ;;
		esac
	done
	# own header first
	case $file in
	*.c)
		header=${file%.c}.h
		if [ -e "$header" ]; then
			first=$(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" | head -n 1)
			[ "$first" = "$(basename "$header")" ] ||
				complain "$file: include $(basename "$header") first"
		fi
		;;
	esac
done

# What the heart may call: memory and string functions, nothing else.
for object in "$build"/obj/runtime/policy/*.o; do
	[ -e "$object" ] || continue
	name=$(basename "$object" .o)
	permitted='^(mem(cpy|cmp|set|move|chr)|strlen|__mem(cpy|set|move)_chk|__stack_chk_fail|__(asan|ubsan|sanitizer)_.*|_GLOBAL_OFFSET_TABLE_)$'
	case $name in
	blob) permitted="$permitted|^(open|openat|open64|read|close|fstat|fstat64|mmap|mmap64|munmap|memfd_create|ftruncate|ftruncate64|fcntl|fcntl64|write|lseek|__errno_location|madvise)\$" ;;
	ranges_build) permitted="$permitted|^(malloc|calloc|realloc|free|qsort|aligned_alloc)\$" ;;
	idna) permitted="$permitted|^(idn2_.*|malloc|free)\$" ;;
	esac
	for symbol in $(nm -u "$object" | awk '{print $2}'); do
		echo "$symbol" | grep -Eq "$permitted" && continue
		nm -A "$build"/obj/runtime/policy/*.o 2>/dev/null |
			awk -v s="$symbol" '$NF == s && $(NF-1) ~ /^[TRDBV]$/ {found=1} END {exit !found}' &&
			continue
		complain "runtime/policy/$name.c calls $symbol"
	done
done

[ $bad = 0 ] && echo "check-layers: the arrows point the right way"
exit $bad
