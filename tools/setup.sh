#!/bin/sh
# Makes .venv with uv and the pinned dependencies, and sees to bubblewrap and to the libraries of diffoscope. Says what
# it cannot do itself.
set -eu
python=$1

may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }
install_package() {
    as_root=; [ "$(id -u)" = 0 ] || as_root="sudo -n"
    $as_root apt-get install -y -qq "$1" >/dev/null 2>&1 || {
        $as_root apt-get update -qq >/dev/null && $as_root apt-get install -y -qq "$1" >/dev/null; }
}

if ! command -v bwrap >/dev/null; then
    if may_install; then
        echo "setup: installing bubblewrap" && install_package bubblewrap
    else
        echo "setup: bubblewrap is missing. Install it: sudo apt install bubblewrap (or your system's package)" >&2
        exit 1
    fi
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: $python is older than Python 3.11. Name a newer one: make PYTHON=python3.12 ..." >&2
    exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if may_install; then
        echo "setup: installing python3-venv" && install_package python3-venv
    else
        echo "setup: $python has no ensurepip. Install it: sudo apt install python3-venv" >&2
        exit 1
    fi
fi

has_library() { "$python" -c "import ctypes; ctypes.CDLL('$1')" 2>/dev/null; }
for library in libmagic.so.1:libmagic1 libarchive.so.13:libarchive13; do
    has_library "${library%%:*}" && continue
    if may_install; then
        echo "setup: installing ${library##*:}" && install_package "${library##*:}"
    else
        echo "setup: ${library%%:*} is missing, which --diffoscope needs: sudo apt install ${library##*:}" >&2
    fi
done

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "setup: installing pinned dependencies into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
    -r requirements/bootstrap.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes \
    --build-constraints requirements/build.txt -r requirements/dev.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/.ready
