#!/bin/sh
# Start the proxy on 127.0.0.1:4750 with the sample policy, for `make run`.
# usage: run-sample.sh BUILD
set -eu
build=$1
policy=$build/policies/webhooks.blob

cat <<TEXT

Sample policy: policies/webhooks.yaml, compiled to $policy
Try, in another terminal:

    curl -x http://127.0.0.1:4750 https://example.com/     # allowed
    curl -x http://127.0.0.1:4750 https://evil.test/       # denied by the policy
    curl -x http://127.0.0.1:4750 https://127.0.0.1/       # denied: not a public address

Why a host is allowed or not:

    $build/smokescreenc --explain $policy --role "" --host example.com

Ctrl-C stops the proxy.

TEXT
exec "$build/smokescreen" --config-file docs/examples/sample-config.yaml \
	--listen-ip 127.0.0.1 --listen-port 4750 --egress-acl-file "$policy"
