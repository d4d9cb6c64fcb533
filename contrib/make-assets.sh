#!/usr/bin/env bash
# Makes what a package holds besides the program, from the program itself: man page and completions.
#   contrib/make-assets.sh [PROGRAM [DIRECTORY]]
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/disband-batch}
directory=${2:-target/assets}
mkdir -p "$directory"
"$program" man >"$directory/disband-batch.1"
for shell in bash zsh fish; do
  "$program" completions "$shell" >"$directory/disband-batch.$shell"
done
gzip -9nc CHANGELOG.md >"$directory/changelog.gz"
echo "made in $directory: $(ls "$directory" | tr '\n' ' ')"
