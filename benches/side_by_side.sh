#!/usr/bin/env bash
# The whole program beside a bare loop of the same HTTP client and beside the load generator oha, on one nginx that
# answers from memory: calls a second and CPU time per call, in one run.
#
# Needs nginx and oha; with root it installs nginx (Debian's package), and it builds oha from crates.io under target/.
# CALLS, CONCURRENCY, PORT and ROUNDS can be set in the environment.
set -euo pipefail
cd "$(dirname "$0")/.."

calls=${CALLS:-100000} concurrency=${CONCURRENCY:-64} port=${PORT:-8601} rounds=${ROUNDS:-3}
scratch=$(mktemp -d)
url=http://127.0.0.1:$port

command -v nginx >/dev/null || { apt-get update -qq && apt-get install -y -qq nginx-light; }
oha=$(command -v oha || echo target/oha/bin/oha)
[ -x "$oha" ] || cargo install oha --locked --no-default-features --features rustls --root target/oha
cargo build --release --bins --example bare_loop

cat >"$scratch/nginx.conf" <<NGINX
worker_processes 1;
pid $scratch/nginx.pid;
error_log $scratch/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy; fastcgi_temp_path $scratch/fastcgi;
  uwsgi_temp_path $scratch/uwsgi; scgi_temp_path $scratch/scgi;
  server {
    listen 127.0.0.1:$port;
    location / {
      default_type application/json;
      return 200 '{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}';
    }
  }
}
NGINX
nginx -c "$scratch/nginx.conf"
trap 'nginx -c "$scratch/nginx.conf" -s stop; rm -rf "$scratch"' EXIT

seq -f 'bench-%09.0f' "$calls" >"$scratch/ids.txt"
echo 0123456789abcdef0123456789abcdef >"$scratch/key"
path='/v4/group_open_http_svc/destroy_group?sdkappid=1400000000&identifier=administrator&random=1&contenttype=json'

# Wall time, user and system CPU of one command, as a row of the table.
row() {
  local name=$1; shift
  local TIMEFORMAT='%R %U %S' times
  times=$({ time "$@" >"$scratch/out" 2>&1; } 2>&1) || { cat "$scratch/out"; exit 1; }
  read -r wall user system <<<"$times"
  awk -v name="$name" -v n="$calls" -v w="$wall" -v c="$user" -v s="$system" \
    'BEGIN { printf "| %s | %.0f | %.1f |\n", name, n / w, (c + s) * 1e6 / n }'
}

ours() {
  rm -rf "$scratch/state" "$scratch/report.csv"
  target/release/disband-batch --sdkappid 1400000000 --endpoint "$url" --secret-key-file "$scratch/key" --yes \
    --rate 1000000 --concurrency "$concurrency" --state-dir "$scratch/state" --report "$scratch/report.csv" \
    --quiet "$scratch/ids.txt"
  [ "$(wc -l <"$scratch/report.csv")" = $((calls + 1)) ]
}

echo "| program | calls a second | CPU µs a call |"
echo "| --- | --- | --- |"
for _ in $(seq "$rounds"); do
  row "oha" "$oha" --no-tui -n "$calls" -c "$concurrency" -m POST -T application/json \
    -d '{"GroupId":"bench-000000001"}' "$url$path"
  row "bare loop, all cores" target/release/examples/bare_loop "$url" "$calls" "$concurrency" 2
  row "bare loop, one thread" target/release/examples/bare_loop "$url" "$calls" "$concurrency" 1
  row "disband-batch, ledger on disk" ours
done
