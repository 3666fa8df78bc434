#!/bin/sh
# venv.sh FOLDER REQUIREMENTS MARK: make the environment and install what is pinned, unless this very list is in it already.
set -eu
folder=$1 requirements=$2 mark=$1/$3

find_python() {
    for name in "${HITSTREAM_PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$name" ] && "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$name" && return
    done
    echo "Hitstream needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv)." >&2
    exit 1
}

if ! cmp -s "$requirements" "$mark"; then
    # also makes an environment whole whose making was interrupted
    "$folder/bin/python" -m pip --version >/dev/null 2>&1 || "$(find_python)" -m venv --clear "$folder"
    echo "Installing $requirements into $folder ..."
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
    cp "$requirements" "$mark"
fi
touch "$mark"
