#!/bin/sh
# What must be there before the services of compose.yaml start, each made once: the bridge's keys, its caller's token, Envoy's
# configuration, and the CA that the application trusts. What is there already stays, so that it can run at every start.
#
#   setup.sh EGRESS ROOT      ROOT gets bridge/, ca/, envoy/, pki/, redis/, sidecar/, socket/ and trust/
set -eu
umask 077

egress=$1
root=$2
mkdir -p "$root/bridge" "$root/redis" "$root/sidecar" "$root/socket" "$root/trust"

if [ ! -e "$root/bridge/keys.json" ]; then
  redis-bridge keygen --out "$root/bridge/keys.json"
fi
if [ ! -e "$root/sidecar/bridge-token" ]; then
  token=$(openssl rand -hex 32)
  printf '{"callers": [{"name": "sidecar", "token": "%s", "rights": ["issue"], "scopes": ["*"]}]}\n' "$token" > "$root/bridge/callers.json"
  # Last, and under its name only when it is whole: the test above goes by it.
  printf %s "$token" > "$root/sidecar/bridge-token.new"
  mv "$root/sidecar/bridge-token.new" "$root/sidecar/bridge-token"
fi

cloakroom render --file "$egress" --out "$root/envoy"
# The CA's key where only `pki` sees it; and for the application the system's CAs and this one, without any key.
cloakroom pki --file "$egress" --dir "$root/pki" --ca-dir "$root/ca" --bundle "${SYSTEM_CAS:-/etc/ssl/certs/ca-certificates.crt}"
cp "$root/pki/bundle.pem" "$root/trust/bundle.pem"
chmod 0755 "$root/trust"
chmod 0644 "$root/trust/bundle.pem"
