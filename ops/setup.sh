#!/bin/sh
# Make what `make run` needs: programs from the system's packages, and Python environments in .venv and .venvs.
#   ops/setup.sh                 for running
#   ops/setup.sh --tests         also for the checks
#   ops/setup.sh --browser       also for the tests that drive a browser
# Quick when everything is there. Needs no Python package. Ends with 1 and one plain sentence if it cannot.
set -eu
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PIP_DISABLE_PIP_VERSION_CHECK=1 DEBIAN_FRONTEND=noninteractive
tests=no browser=no
case "${1:-}" in
    --tests) tests=yes ;;
    --browser) tests=yes browser=yes ;;
esac

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# A Python of 3.11 or newer that can make environments (Debian packs ensurepip apart).
python_fits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
python_is_new() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11; do
        if have "$candidate" && python_fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
}

# The package that would make a fitting Python: the venv part of one that is there, or else the system's own.
python_package() {
    for candidate in python3 python3.13 python3.12 python3.11; do
        if have "$candidate" && python_is_new "$candidate"; then
            "$candidate" -c 'import sys; print(f"python3.{sys.version_info[1]}-venv")'
            return
        fi
    done
    if have python3 && have apt-cache; then # the system's own is too old
        for candidate in python3.13 python3.12 python3.11; do
            if apt-cache show "$candidate-venv" >/dev/null 2>&1; then
                say "$candidate-venv"
                return
            fi
        done
    fi
    say python3-venv
}

# The name of a MariaDB package: some releases have its version in it.
mariadb_package() {
    versioned=
    if have apt-cache && ! apt-cache show "$1" >/dev/null 2>&1; then
        versioned="$(apt-cache search --names-only "^$1-[0-9.]+\$" | cut -d ' ' -f 1 | sort -V | tail -n 1)"
    fi
    say "${versioned:-$1}"
}

# Those that tests/e2e/browser.py looks for.
have_browser() { have chromium || have google-chrome || have chromium-browser; }

browser_package() {
    if have apt-cache && ! apt-cache show chromium >/dev/null 2>&1; then say chromium-browser; else say chromium; fi
}

missing_packages() {
    [ -n "$(find_python)" ] || python_package
    have memcached || say memcached
    if ! have mariadbd || ! have mariadb-install-db || ! have my_print_defaults; then
        mariadb_package mariadb-server-core
        mariadb_package mariadb-client-core
    fi
    have setpriv || say util-linux
    if [ "$browser" = yes ] && ! have_browser; then browser_package; fi
    # What drives the browser brings a program along that needs this library.
    if [ "$browser" = yes ] && ! ldconfig -p | grep -q libatomic.so.1; then say libatomic1; fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo --non-interactive "$@"; fi
}

# The memcached package would start a cache of its own, which nothing here uses.
without_service() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl --quiet mask --runtime memcached.service || true
        installed=yes
        "$@" || installed=no
        as_root systemctl --quiet unmask --runtime memcached.service || true
        as_root systemctl --quiet disable memcached.service >/dev/null 2>&1 || true
        [ "$installed" = yes ]
    else
        "$@"
    fi
}

apt_install() {
    as_root apt-get install --yes --no-install-recommends "$@" >>"$log" 2>&1
}

install_packages() {
    say "Installing from the system's packages: $*"
    log="$(mktemp)"
    case " $* " in *" memcached "*) run=without_service ;; *) run= ;; esac
    if ! $run apt_install "$@"; then
        update_package_lists # they may be too old to be true
        if ! $run apt_install "$@"; then
            tail -n 5 "$log" >&2
            fail "These packages could not be installed: $*. Try: $(by_hand "$@")"
        fi
    fi
    rm -f "$log"
}

update_package_lists() {
    say "Reading the system's package lists"
    as_root apt-get update >/dev/null 2>&1 || true # what matters is whether the installation works
}

by_hand() {
    if have apt-get; then
        say "sudo apt-get update && sudo apt-get install --yes --no-install-recommends $*"
    elif have dnf; then
        say "sudo dnf install python3.11 memcached mariadb-server util-linux"
    elif have pacman; then
        say "sudo pacman -S python memcached mariadb util-linux"
    elif have zypper; then
        say "sudo zypper install python311 memcached mariadb util-linux"
    else
        say "install Python 3.11 or newer with venv, memcached, and MariaDB's server, by your system's package manager"
    fi
}

[ "$(uname -s)" = Linux ] || fail "This runs on Linux only (it gives cache nodes addresses in 127.0.0.0/8)."

missing="$(missing_packages | sort -u | paste -s -d ' ')"
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086  # lists of names
    if have apt-get && { [ "$(id -u)" -eq 0 ] || { have sudo && sudo --non-interactive true 2>/dev/null; }; }; then
        apt-cache show memcached >/dev/null 2>&1 || update_package_lists
        install_packages $(missing_packages | sort -u) # again: a name may depend on the lists
        missing="$(missing_packages | sort -u | paste -s -d ' ')"
        [ -z "$missing" ] || fail "Still missing after the installation: $missing. Try: $(by_hand $missing)"
    else
        fail "Missing: $missing. Install with: $(by_hand $missing)"
    fi
fi
python="$(find_python)"

# Two of us at once would make the same environments.
mkdir -p .venvs
exec 9>.venvs/lock
flock 9

stamp_of() { { "$python" --version; cat "$@"; } | sha256sum | cut -d ' ' -f 1; }

# environment FOLDER STAMP REQUIREMENTS... : made anew unless its stamp, which is written last, says it is right.
environment() {
    folder="$1" stamp="$2"
    shift 2
    wanted="$(stamp_of "$@")"
    [ "$(cat "$folder/$stamp" 2>/dev/null)" = "$wanted" ] && [ -x "$folder/bin/python" ] && return
    if [ -L "$folder" ]; then # making it anew would empty what somebody else's tree uses
        say "$folder is a link to an environment that does not fit these requirements; remove the link" >&2
        return 1
    fi
    say "Making the Python environment $folder"
    log=".venvs/$(basename "$folder").log"
    last=
    for requirements in "$@"; do last="$requirements"; done # the last one names the others
    if ! { "$python" -m venv --clear "$folder" && "$folder/bin/python" -m pip install --quiet -r "$last"; } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        say "The environment $folder could not be made; the whole log is $log" >&2
        return 1
    fi
    say "$wanted" >"$folder/$stamp"
}

environment .venvs/ministack made-from requirements-ministack.txt &
ministack=$!
environment .venvs/moto made-from requirements-moto.txt &
moto=$!
failed=
environment .venv made-from requirements.txt requirements-run.txt || failed=yes
wait "$ministack" || failed=yes
wait "$moto" || failed=yes
[ -z "$failed" ] || exit 1

if [ "$tests" = yes ]; then
    wanted="$(stamp_of requirements.txt requirements-run.txt requirements-dev.txt)"
    if [ "$(cat .venv/made-for-tests 2>/dev/null)" != "$wanted" ]; then
        say "Adding what the tests need to .venv"
        if ! .venv/bin/python -m pip install --quiet -r requirements-dev.txt >.venvs/tests.log 2>&1; then
            tail -n 5 .venvs/tests.log >&2
            fail "What the tests need could not be installed; the whole log is .venvs/tests.log"
        fi
        say "$wanted" >.venv/made-for-tests
    fi
fi
