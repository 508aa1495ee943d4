#!/bin/sh
# Makes .venv with the newest stack that this machine can run; a second call does nothing.
# Usage: scripts/setup.sh [PYTHON_VERSION]      PYTHON_VERSION such as 3.10; default: the newest
set -eu
cd "$(dirname "$0")/.."
UV_VERSION=0.13.9
say() { echo "setup: $*" >&2; exit 1; }

glibc_is_at_least() {
    have=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
    [ -n "$have" ] && [ "$(printf '%s\n%s\n' "$1" "$have" | sort -V | head -n1)" = "$1" ]
}

candidates() {
    if [ -n "${1:-}" ]; then echo "$1"
    elif glibc_is_at_least 2.39; then echo "3.13 3.12 3.11 3.10"
    else echo "3.10"
    fi
}

[ "$(uname -sm)" = "Linux x86_64" ] || say "TFX has wheels for Linux on x86_64 only, this is $(uname -sm)"
glibc_is_at_least 2.31 || say "needs glibc 2.31 or newer (Debian 11, Ubuntu 20.04)"
wanted=${1:-}
case "$wanted" in
    ""|3.10) ;;
    3.11|3.12|3.13) glibc_is_at_least 2.39 || say "Python $wanted needs glibc 2.39 or newer (Debian 13, Ubuntu 24.04): use PYTHON=3.10" ;;
    *) say "PYTHON=$wanted is not one of 3.10, 3.11, 3.12, 3.13" ;;
esac

# What .venv was made from; nothing to do where it is the same.
stamp=.venv/.noduleflow-setup
key="$(cat uv.lock pyproject.toml scripts/setup.sh | cksum) ${EXTRA:-}"
if [ -f "$stamp" ] && [ -x .venv/bin/python ] && grep -qxF "lock $key" "$stamp"; then
    [ -z "$wanted" ] || grep -qxF "python $wanted" "$stamp" && exit 0
fi

command -v c++ >/dev/null || command -v g++ >/dev/null || say "no C++ compiler: apt-get install g++ (or your system's)"
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv=.uv/bin/uv
    if [ ! -x "$uv" ] || ! "$uv" --version | grep -qF "$UV_VERSION"; then
        command -v python3 >/dev/null || say "no python3: apt-get install python3 python3-venv"
        bootstrap=python3
        # A version manager's shim refuses the version of .python-version where it is not installed.
        python3 --version >/dev/null 2>&1 || bootstrap=/usr/bin/python3
        "$bootstrap" -m venv .uv >/dev/null 2>&1 || say "python3 can't make a venv: apt-get install python3-venv"
        .uv/bin/pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" || say "uv $UV_VERSION could not be installed with pip"
    fi
fi

# Where a program of pyenv calls this, it names that program's version, and every other is refused.
unset PYENV_VERSION
python=""
for version in $(candidates "$wanted"); do
    if found=$("$uv" python find --no-project "$version" 2>/dev/null); then python=$version; break; fi
done
if [ -z "$python" ]; then
    python=$(candidates "$wanted" | cut -d' ' -f1)
    "$uv" python install --quiet "$python" 2>/dev/null || say "no Python $(candidates "$wanted" | sed 's/ / or /g') on this machine and none could be downloaded: install one (apt-get, pyenv, uv python install)"
    found=$("$uv" python find --no-project "$python")
fi
include=$("$found" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[ -f "$include/Python.h" ] || say "no headers of Python $python in $include: apt-get install python$python-dev"

echo "setup: Python $python into .venv" >&2
"$uv" sync --frozen --quiet --python "$found" ${EXTRA:+--extra $EXTRA} || say "uv sync failed; its words are above"
printf 'lock %s\npython %s\n' "$key" "$python" > "$stamp"
