#!/bin/sh
# Installs what the tests need and runs lint, types and tests. What follows goes to pytest: sh tests/run.sh -k store
#
# Needs Python 3.11 to 3.13 with venv. As root on Debian it installs the mail and database servers that the tests
# talk to; tests whose server is missing are skipped and listed at the end as NOT TESTED.
set -eu
cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)"
venv=.venv-test

say() { printf '\n== %s\n' "$*"; }
is_debian_root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# Debian would start each server that it installs; the tests bring up their own.
debian_install() {
    say "installing $*"
    policy=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy=/usr/sbin/policy-rc.d
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    (
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q </dev/null
        echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections 2>/dev/null || true
        apt-get install -q -y --no-install-recommends "$@" </dev/null
    ) || say "installing $* failed: what needs it will be skipped"
    [ -z "$policy" ] || rm -f "$policy"
    trap - EXIT
}

missing_packages() {
    [ -x /usr/sbin/dovecot ] && [ -x /usr/lib/dovecot/imap ] || echo dovecot-imapd
    [ -x /usr/lib/dovecot/lmtp ] || echo dovecot-lmtpd
    set -- /usr/lib/postgresql/*/bin/initdb
    [ -x "$1" ] || echo postgresql
    [ -x /usr/sbin/smtp-sink ] || echo postfix
    command -v caddy >/dev/null || echo caddy
    command -v chromium >/dev/null || echo chromium
    command -v openssl >/dev/null || echo openssl
    command -v neomutt >/dev/null || echo neomutt
    command -v pdftk >/dev/null || echo pdftk-java
    command -v soffice >/dev/null || echo libreoffice-writer-nogui
    [ -e /usr/lib/libreoffice/program/libsclo.so ] || echo libreoffice-calc-nogui
    command -v pdftotext >/dev/null || echo poppler-utils
}

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
    pyenv=${HOME:-/root}/.pyenv
    for candidate in python3.13 python3.12 python3.11 python3 \
        "$pyenv"/versions/3.13.*/bin/python "$pyenv"/versions/3.12.*/bin/python \
        "$pyenv"/versions/3.11.*/bin/python; do
        command -v "$candidate" >/dev/null && fits "$candidate" && "$@" "$candidate" && echo "$candidate" && return
    done
    return 1
}

if is_debian_root; then
    packages=$(missing_packages)
    # shellcheck disable=SC2086 # one word a package
    [ -z "$packages" ] || debian_install $packages
fi

if ! python=$(find_python has_venv); then
    if ! python=$(find_python true); then
        echo "No Python 3.11, 3.12 or 3.13 was found. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
        exit 1
    fi
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if is_debian_root; then debian_install "$package"; fi
    if ! has_venv "$python"; then
        echo "$python cannot make environments: venv is missing. On Debian or Ubuntu: apt-get install $package" >&2
        exit 1
    fi
fi

# The environment is made anew when Python, the pins or the folder have changed.
stamp="$("$python" -VV) $(pwd) $(cat pyproject.toml deploy/constraints.txt | cksum)"
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing into $venv with $("$python" -V)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    # Variables, because only these also reach the environment in which pip builds the package. The first is for
    # older, the second for newer pip; a relative path, for pip splits at spaces.
    PIP_CONSTRAINT=deploy/constraints.txt PIP_BUILD_CONSTRAINT=deploy/constraints.txt \
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[test]' </dev/null
    printf '%s\n' "$stamp" >"$venv/stamp"
fi

failed=
step() {
    name=$1
    shift
    say "$name"
    "$@" </dev/null || failed="$failed $name"
}
python="$PWD/$venv/bin/python"
step lint "$python" -m ruff check rsvp_mailer tests
step format "$python" -m ruff format --check rsvp_mailer tests
step types "$python" -m mypy
step tests "$python" -m pytest --ignore tests/long -n auto --maxprocesses 4 --dist loadfile "$@"

if [ -n "$failed" ]; then
    say "FAILED:$failed"
    exit 1
fi
say "PASSED: lint format types tests"
