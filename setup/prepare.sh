#!/usr/bin/env bash
# Sets up everything `make` needs: system packages, the virtual environment .venv, CPU torch, vqss itself.
# Usage: setup/prepare.sh run|gui|test       each level includes those before it
# Done once per state of pyproject.toml and setup/; a stamp makes the next call return at once.
set -euo pipefail
cd "$(dirname "$0")/.."
source setup/packages.sh

level="${1:-run}"
python=.venv/bin/python
if_known=()
say() { printf 'vqss setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

case "$level" in
    run)  levels=(run gui test); extras=""; packages=("${packages_run[@]}") ;;
    gui)  levels=(gui test); extras=""; packages=("${packages_run[@]}" "${packages_gui[@]}") ;;
    test) levels=(test); extras="[training,dev]"
          packages=("${packages_run[@]}" "${packages_gui[@]}" "${packages_test[@]}")
          if_known=("${packages_test_if_known[@]}") ;;
    *) fail "unknown level '$level'; use run, gui or test" ;;
esac

fingerprint() {     # also holds the place: an environment that was copied elsewhere is set up again
    { pwd -P; cat pyproject.toml setup/*.sh setup/*.py; } | cksum
}

ready() {
    local wanted done_level
    wanted="$(fingerprint)"
    for done_level in "${levels[@]}"; do
        [[ "$(cat ".venv/.stamp-$done_level" 2>/dev/null)" == "$wanted" ]] && [[ -x "$python" ]] && return 0
    done
    return 1
}

new_enough() {      # torch does not train with the pre-release of 3.11 that Ubuntu 22.04 has, all else works
    local oldest='(3, 11)'
    [[ "$level" == test ]] && oldest='(3, 11, 0, "final")'
    "$1" -c "import sys; sys.exit(sys.version_info < $oldest)" 2>/dev/null
}
can_make_venv() { new_enough "$1" && "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {     # find_python TEST: the first interpreter that passes it
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if command -v "$candidate" >/dev/null && "$1" "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

installed() {       # Ubuntu 24.04 and later add t64 to some library names
    [[ "$(dpkg-query -W -f='${Status}\n' "$1" "$1t64" 2>/dev/null || true)" == *"install ok installed"* ]]
}

as_root() {
    if [[ "$(id -u)" == 0 ]]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif [[ -t 0 ]]; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

has_headers() {     # torch compiles against Python.h while it trains
    "$1" -c 'import os, sysconfig as s, sys; sys.exit(not os.path.exists(s.get_path("include") + "/Python.h"))'
}

missing_packages() {
    local name base
    for name in "${packages[@]}"; do
        installed "$name" || echo "$name"
    done
    for name in "${if_known[@]}"; do
        installed "$name" || ! apt-cache show "$name" >/dev/null 2>&1 || echo "$name"
    done
    if ! base="$(find_python can_make_venv)"; then
        base="$(find_python new_enough)" || base=python3    # where that is too old, install_newer_python follows
        echo "$base-venv"
    fi
    if [[ "$level" == test ]] && ! has_headers "$base" 2>/dev/null; then
        echo "$base-dev"
    fi
}

apt_quietly() {
    local log
    log="$(mktemp)"
    if ! as_root apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

install_newer_python() {
    local version wanted
    for version in 3.13 3.12 3.11; do
        if apt-cache show "python$version-venv" >/dev/null 2>&1; then
            say "the default python3 is older than 3.11: installing python$version"
            wanted=("python$version" "python$version-venv")
            [[ "$level" == test ]] && wanted+=("python$version-dev")
            apt_quietly install --no-install-recommends "${wanted[@]}" && return
            say "python$version could not be installed"
        fi
    done
}

install_system_packages() {
    local missing
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here: install PortAudio, libsndfile and Python 3.11 or newer by your own means (docs/install.md)"
        return
    fi
    mapfile -t missing < <(missing_packages)
    [[ ${#missing[@]} == 0 ]] && return
    if [[ "$(id -u)" != 0 ]] && ! command -v sudo >/dev/null; then
        say "these system packages are missing and neither root nor sudo is at hand: ${missing[*]}"
        say "going on without them; later: apt-get install ${missing[*]}"
        return
    fi
    apt_quietly update || say "apt-get update failed; trying with the lists there are"     # one dead source is enough
    mapfile -t missing < <(missing_packages)    # of a new machine only these lists tell what is known
    say "installing system packages: ${missing[*]}"
    if ! apt_quietly install --no-install-recommends "${missing[@]}"; then
        say "they could not all be installed; going on, 'vqss doctor' tells what is missing"
    fi
    find_python new_enough >/dev/null || install_newer_python
}

make_environment() {
    local base
    if [[ -x "$python" ]] && new_enough "$python" && "$python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    base="$(find_python can_make_venv)" ||
        fail "Python 3.11 or newer with the venv module is needed, for training and tests no pre-release, and none" \
             "was found (python3 is $(python3 --version 2>/dev/null || echo absent)); install a newer one and its venv," \
             "such as python3.12 and python3.12-venv (on Ubuntu 22.04 from ppa:deadsnakes/ppa)"
    say "making the virtual environment .venv with $("$base" --version)"
    "$base" -m venv --clear .venv
}

ready && { say "ready"; exit 0; }
say "first-time set-up for '$level'; this takes a few minutes and is skipped next time"
install_system_packages
make_environment
"$python" setup/install_torch.py
say "installing vqss and the packages it needs"
# An older package that is built already, before a newer one that is not: of PyQt6 for ARM there are wheels for new
# systems only, but for 6.7, and from its sources it takes all of Qt.
"$python" -m pip install -qq --disable-pip-version-check --no-warn-script-location --prefer-binary -e ".$extras"
fingerprint > ".venv/.stamp-$level"
say "ready"
