#!/bin/sh
# What a cache node runs when it boots: EC2 user data, run once as root. It installs memcached and the agent and starts
# both under systemd, which starts them again on every later boot. The units call this same script:
#   boot.sh memcached    is memcached, in the foreground
#   boot.sh agent        is the agent, in the foreground
set -eu

ENVIRONMENT="${ENVIRONMENT:-}"
NODE_MEMORY_MB="${NODE_MEMORY_MB:-64}"
NODE_ITEM_BYTES="${NODE_ITEM_BYTES:-8388608}"
NODE_PORT="${NODE_PORT:-11211}"
NODE_CONNECTIONS="${NODE_CONNECTIONS:-1024}"
NODE_USER="${NODE_USER:-nobody}" # memcached drops root for this user
NODE_HOME="${NODE_HOME:-/opt/elastic-images}"
NODE_PYTHON="${NODE_PYTHON:-$NODE_HOME/venv/bin/python}"
AGENT_ARCHIVE="" # base64 of the agent's source as tar.gz; filled in when the user data is made
AGENT_REQUIREMENTS="" # filled in too

# The instance's own facts, by IMDSv2; $1 is a path below meta-data.
fact() {
    token="$(curl --fail --silent --max-time 2 --retry 5 -X PUT http://169.254.169.254/latest/api/token \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')"
    curl --fail --silent --max-time 2 --retry 5 -H "X-aws-ec2-metadata-token: $token" \
        "http://169.254.169.254/latest/meta-data/$1"
}

run_memcached() {
    address="${LISTEN_ADDRESS:-$(fact local-ipv4)}" # the private one: a node has no public address
    least="$((NODE_ITEM_BYTES / 524288))" # memcached refuses less than two of the largest items; the agent keeps below
    memory="$NODE_MEMORY_MB"
    if [ "$memory" -lt "$least" ]; then memory="$least"; fi
    set -- -l "$address" -p "$NODE_PORT" -U 0 -m "$memory" -I "$NODE_ITEM_BYTES" -c "$NODE_CONNECTIONS"
    if [ "$(id -u)" -eq 0 ]; then set -- "$@" -u "$NODE_USER"; fi
    exec memcached "$@"
}

run_agent() {
    LISTEN_ADDRESS="${LISTEN_ADDRESS:-$(fact local-ipv4)}"
    INSTANCE_ID="${INSTANCE_ID:-$(fact instance-id)}"
    AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-$(fact placement/region)}"
    ENVIRONMENT="${ENVIRONMENT:-$(fact tags/instance/environment)}"
    export LISTEN_ADDRESS INSTANCE_ID AWS_DEFAULT_REGION ENVIRONMENT NODE_PORT NODE_MEMORY_MB NODE_ITEM_BYTES
    mkdir -p "$NODE_HOME/agent"
    printf '%s' "$AGENT_ARCHIVE" | base64 -d | tar -xzf - -C "$NODE_HOME/agent"
    cd "$NODE_HOME/agent"
    exec "$NODE_PYTHON" -m nodes.agent
}

install_packages() {
    if command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        systemctl mask --now memcached.service # the package would start a cache of its own, which nobody asks
        apt-get -qq update
        apt-get -qq install --yes --no-install-recommends memcached python3-venv curl
    else
        dnf --quiet --assumeyes install memcached python3.11 tar gzip # curl is there
        systemctl mask --now memcached.service
    fi
}

make_environment() {
    python=python3
    if command -v python3.11 >/dev/null; then python=python3.11; fi
    "$python" -m venv "$NODE_HOME/venv"
    # shellcheck disable=SC2086  # a list
    "$NODE_HOME/venv/bin/python" -m pip install --quiet --disable-pip-version-check $AGENT_REQUIREMENTS
}

# write_unit NAME WHAT USER: a unit that is started again whenever it ends.
write_unit() {
    cat >"/etc/systemd/system/elastic-images-$1.service" <<UNIT
[Unit]
Description=$2 of an elastic-images cache node
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh $NODE_HOME/boot.sh $1
User=$3
Restart=always
RestartSec=2
LimitNOFILE=65536
[Install]
WantedBy=multi-user.target
UNIT
}

boot() {
    install_packages
    mkdir -p "$NODE_HOME/agent"
    cp "$0" "$NODE_HOME/boot.sh"
    chmod 755 "$NODE_HOME" "$NODE_HOME/boot.sh"
    chown "$NODE_USER" "$NODE_HOME/agent"
    write_unit memcached Memcached root
    systemctl daemon-reload
    systemctl enable --now elastic-images-memcached.service # it serves while the agent is still being installed
    make_environment
    write_unit agent "The agent" "$NODE_USER"
    systemctl daemon-reload
    systemctl enable --now elastic-images-agent.service
}

case "${1:-boot}" in
    boot) boot ;;
    memcached) run_memcached ;;
    agent) run_agent ;;
    *)
        echo "boot.sh: not boot, memcached or agent: $1" >&2
        exit 2
        ;;
esac
