#!/bin/sh
# What a cache node runs when it boots: EC2 user data, run once as root. It ends as memcached itself.
set -eu

NODE_MEMORY_MB="${NODE_MEMORY_MB:-64}"
NODE_ITEM_BYTES="${NODE_ITEM_BYTES:-8388608}"
NODE_PORT="${NODE_PORT:-11211}"
NODE_CONNECTIONS="${NODE_CONNECTIONS:-1024}"
NODE_USER="${NODE_USER:-nobody}" # memcached drops root for this user
LISTEN_ADDRESS="${LISTEN_ADDRESS:-$(hostname -I | cut -d ' ' -f 1)}" # the private one: a node has no public address

if ! command -v memcached >/dev/null && [ "$(id -u)" -eq 0 ]; then
    if command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update
        apt-get -qq install --yes --no-install-recommends memcached
    else
        dnf --quiet --assumeyes install memcached
    fi
    # The package starts a cache of its own, which nobody asks and which would take memory.
    if [ -d /run/systemd/system ]; then systemctl disable --now memcached; fi
fi

set -- -l "$LISTEN_ADDRESS" -p "$NODE_PORT" -U 0 -m "$NODE_MEMORY_MB" -I "$NODE_ITEM_BYTES" -c "$NODE_CONNECTIONS"
if [ "$(id -u)" -eq 0 ]; then set -- "$@" -u "$NODE_USER"; fi
exec memcached "$@"
