#!/bin/sh
# Runs each fuzz target for a bounded time: run-briefly.sh [SECONDS FOR EACH, default 8] [TARGET...]
#
# With a nightly toolchain the targets are built with AddressSanitizer, else without: libFuzzer's coverage needs only
# flags that every toolchain takes. What a target found before stands in corpus/ (not under version control); what breaks
# it, in artifacts/. Says so and ends well where no C++ compiler or no crate is to be had.
set -eu
cd "$(dirname "$0")"
seconds=${1:-8}
[ $# -gt 0 ] && shift
targets=${*:-csv jsonl lines answer usersig group_id}

if ! command -v c++ >/dev/null 2>&1; then
    echo "fuzz: no C++ compiler for libFuzzer, so nothing is fuzzed" >&2
    exit 0
fi
host=$(rustc -vV | sed -n 's/^host: //p')
flags="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares"
toolchain=
if rustc +nightly --version >/dev/null 2>&1; then
    toolchain=+nightly
    flags="$flags -Zsanitizer=address"
fi
# With --target the flags are not for build scripts and macros.
if ! RUSTFLAGS=$(echo $flags) cargo $toolchain build --quiet --release --locked --target "$host"; then
    if ! cargo $toolchain fetch --locked >/dev/null 2>&1; then
        echo "fuzz: the crates are not to be had, so nothing is fuzzed" >&2
        exit 0
    fi
    exit 1
fi
for target in $targets; do
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "fuzz: $target for $seconds s"
    if ! "target/$host/release/$target" "corpus/$target" "../tests/replay/seeds/$target" \
        -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=8192 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="artifacts/$target/" >"artifacts/$target.log" 2>&1; then
        tail -40 "artifacts/$target.log" >&2
        echo "fuzz: $target broke; the bytes are in fuzz/artifacts/$target" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: */fuzz:   inputs tried: /p' "artifacts/$target.log"
done
