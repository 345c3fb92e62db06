#!/bin/sh
# Puts Microsoft's validator of SARIF, with all that belongs to it, into a directory: pinned by requirements/sarif, by npm.
set -eu
into=$1
[ -x "$into/Sarif.Multitool" ] && cmp -s requirements/sarif/package-lock.json "$into/package-lock.json" && exit
mkdir -p "$into"
cp requirements/sarif/package.json requirements/sarif/package-lock.json "$into"
npm ci --prefix "$into" --ignore-scripts --no-audit --no-fund --silent
ln -sf node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool "$into/Sarif.Multitool"
chmod u+x "$into/Sarif.Multitool"
