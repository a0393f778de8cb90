#!/bin/sh
# Install the Debian packages that are missing, and only those.
# usage: install-packages.sh [ci|bench]
# ci adds what the slower checks need, bench what measuring needs.
set -eu

packages="gcc libc6-dev make re2c lemon libbearssl-dev nettle-dev libgmp-dev libevent-dev libc-ares-dev
libidn2-dev libpsl-dev libjansson-dev libcmocka-dev
pkgconf
python3 python3-pytest python3-pytest-xdist python3-jsonschema python3-yaml
curl openssl ca-certificates"
# the load generator's TLS, and what counts calls and instructions
if [ "${1:-}" = bench ]; then
	packages="$packages libssl-dev strace valgrind"
fi
if [ "${1:-}" = ci ]; then
	packages="$packages clang clang-format clang-tidy cppcheck
	libclang-rt-14-dev mandoc groff libssl-dev strace valgrind
	golang-go nodejs node-https-proxy-agent node-undici node-ws
	python3-aiohttp python3-requests python3-urllib3"
	# a nodejs that is not Debian's may have it inside, and conflict with it
	command -v npm >/dev/null 2>&1 || packages="$packages npm"
fi

missing=
for package in $packages; do
	status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
	case $status in
	*"install ok installed") ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "missing packages:$missing" >&2
	echo "This machine has no apt-get: install their equivalents by hand." >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1; then
	as_root=sudo
else
	echo "missing packages:$missing" >&2
	echo "Installing them needs root or sudo. As root, run:" >&2
	echo "    apt-get install$missing" >&2
	exit 1
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
