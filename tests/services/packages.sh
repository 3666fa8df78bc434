#!/bin/sh
# What the servers of the marked tests need from Debian, where it is missing. Nothing that is installed starts by itself.
set -eu
policy=/usr/sbin/policy-rc.d

missing() {
    command -v java >/dev/null || echo default-jre-headless
    command -v mvn >/dev/null || echo maven
    command -v redis-server >/dev/null || echo redis-server
    command -v nginx >/dev/null || echo nginx-light
    command -v haproxy >/dev/null || echo haproxy
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || echo postgresql
}

start_nothing() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "Missing, install them as root:" $wanted >&2; exit 1; }
start_nothing
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
apt-get update -qq
apt-get install -qq --yes --no-install-recommends $wanted >/dev/null
