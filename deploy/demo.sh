#!/bin/sh
# Shows the whole program at work, on sample mail and servers of its own: sh deploy/demo.sh
#
# Needs Python 3.11 to 3.13 with venv, and for the first run a package index that pip can reach. Installs into .venv
# of this checkout and nowhere else. Options go to the demo: sh deploy/demo.sh --once
set -eu
cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)"
venv=.venv
stamp=$venv/rsvp-mailer-demo # tells what was installed last

die() {
    for line; do printf '%s\n' "$line" >&2; done
    exit 1
}

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
    pyenv=${PYENV_ROOT:-${HOME:-}/.pyenv}/versions
    for candidate in python3.13 python3.12 python3.11 python3 \
        "$pyenv"/3.13.*/bin/python "$pyenv"/3.12.*/bin/python "$pyenv"/3.11.*/bin/python; do
        if command -v "$candidate" >/dev/null && fits "$candidate" && "$@" "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

as_root() { if [ "$(id -u)" = 0 ]; then echo "$*"; else echo "sudo $*"; fi; }

make_environment() {
    if ! python=$(find_python has_venv); then
        python=$(find_python true) || die \
            "Python 3.11, 3.12 or 3.13 is needed, and none was found. Install one, then run this again:" \
            "  Debian, Ubuntu:  $(as_root apt-get install python3 python3-venv)" \
            "  Fedora:          $(as_root dnf install python3.13)" \
            "  macOS:           brew install python@3.13"
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        die "$python cannot make environments, for Debian and Ubuntu ship venv apart. Install it, then run this again:" \
            "  $(as_root apt-get install "$package")"
    fi
    trap 'rm -rf "$venv"' EXIT
    trap 'exit 130' INT
    "$python" -m venv "$venv" || die "$python could not make $PWD/$venv; it says why above."
    trap - EXIT INT
}

install() {
    echo "Installing into $venv with $("$venv/bin/python" -V); this takes a minute, once."
    log=$venv/rsvp-mailer-demo.log
    # Variables, because only these also reach the environment in which pip builds the package. The first is for
    # older, the second for newer pip; a relative path, for pip splits at spaces.
    PIP_CONSTRAINT=deploy/constraints.txt PIP_BUILD_CONSTRAINT=deploy/constraints.txt \
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input -e '.[demo]' </dev/null >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "" "The installation failed; pip says why above. Can this machine reach its package index?" \
            "The whole story: $PWD/$log"
    }
}

if [ ! -e "$venv" ]; then
    make_environment
elif ! fits "$venv/bin/python" || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    die "$PWD/$venv is no working environment of Python 3.11 to 3.13. Remove it, then run this again:" \
        "  rm -r '$PWD/$venv'"
fi
# Of Python, place and pins. When one of them has changed, pip brings the environment up to date.
state="$("$venv/bin/python" -VV) $PWD $(cat pyproject.toml deploy/constraints.txt | cksum)"
if [ "$(cat "$stamp" 2>/dev/null)" != "$state" ]; then
    install
    printf '%s\n' "$state" >"$stamp"
fi
exec "$venv/bin/rsvp-mailer" demo "$@"
