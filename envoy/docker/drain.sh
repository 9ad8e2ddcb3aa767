#!/bin/sh
# Lets an Envoy end without cutting the answers that are streaming: no new connections, then wait until no request is under
# way. Kubernetes runs it before SIGTERM (`preStop`); by hand, send SIGTERM after it.
#
#   drain.sh [--admin SOCKET] [--wait SECONDS]      /run/cloakroom/admin.sock, 300
#
# Exit code: 0 nothing is under way any more; 1 something still is, or Envoy does not answer.
set -eu

admin=/run/cloakroom/admin.sock
wait=300
while [ $# -gt 0 ]; do
  case $1 in
    --admin) admin=${2:?--admin needs a socket} ;;
    --wait) wait=${2:?--wait needs seconds} ;;
    *) echo "drain.sh: $1 is not an option" >&2; exit 1 ;;
  esac
  shift 2
done

ask() {
  curl --silent --show-error --fail --max-time 5 --unix-socket "$admin" "$@"
}

# Streams of applications: neither this script's own request nor a probe's.
active() {
  ask 'http://admin/stats?filter=^http\..*\.downstream_rq_active$' | awk -F': ' '$1 !~ /^http\.(admin|health)\./ { n += $2 } END { print n + 0 }'
}

ask -X POST 'http://admin/drain_listeners?graceful' >/dev/null
end=$(($(date +%s) + wait))
while left=$(active) && [ "$left" -gt 0 ]; do
  if [ "$(date +%s)" -ge "$end" ]; then
    echo "drain.sh: $left requests are still under way" >&2
    exit 1
  fi
  sleep 1
done
