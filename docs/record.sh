#!/usr/bin/env bash
# Records docs/run.svg, the sample's run in a real terminal, in its middle and at its end, and docs/report.png, its page.
#   docs/record.sh [PROGRAM]       needs tmux, python3 and chromium
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/disband-batch}")
work=$(mktemp -d)
socket=disband-batch-$$
terminal() { tmux -L "$socket" -f /dev/null "$@"; }
trap 'terminal kill-server 2>/dev/null || true; sleep 0.3; rm -rf "$work"' EXIT
ln -s "$PWD/sample-input" "$work/sample-input"
ln -s "$program" "$work/disband-batch"

terminal new-session -d -x 96 -y 46 -c "$work" \
  "env -i HOME=$work TERM=tmux-256color COLORTERM=truecolor LANG=C.UTF-8 PATH=$work:/usr/bin:/bin PS1='\$ ' bash --norc --noprofile"
terminal send-keys 'clear; disband-batch --simulate sample-input/groups.csv' Enter
# Half of it.
for _ in $(seq 100); do
  terminal capture-pane -e -p >"$work/middle"
  grep -Eq '[^0-9](4[5-9]|5[0-9]) ?%' "$work/middle" && break
  sleep 0.1
done
for _ in $(seq 300); do
  terminal capture-pane -e -p >"$work/end"
  grep -q 'Look at what failed' "$work/end" && break
  sleep 0.1
done
sleep 0.2
terminal capture-pane -e -p >"$work/end"
python3 docs/terminal_to_svg.py "$work/middle" "$work/end" >docs/run.svg

run=$(basename "$work"/disband-*.csv .csv)
HOME=$work XDG_STATE_HOME='' "$program" report "${run#disband-}" --format html -o "$work/report.html"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=3000 --window-size=1100,770 \
  --screenshot=docs/report.png "file://$work/report.html" 2>"$work/chromium.log" || { cat "$work/chromium.log"; exit 1; }
ls -l docs/run.svg docs/report.png
