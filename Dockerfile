# docker build -t disband-batch:0.1.0 .
# docker run --rm disband-batch:0.1.0 --help
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
# SQLite, zstd and ring are compiled in: what is left to link is libc and libgcc.
RUN cargo build --release --locked && mkdir -p /out/state && cp target/release/disband-batch /out/

# glibc, CA certificates, no shell; the user is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/disband-batch /usr/bin/disband-batch
# Ledger and reports; mount a volume here, else they go with the container.
COPY --from=build --chown=65532:65532 /out/state /var/lib/disband-batch
ENV DISBAND_BATCH_STATE_DIR=/var/lib/disband-batch
WORKDIR /var/lib/disband-batch
# PID 1: SIGTERM of `docker stop` reaches the run itself, which drains. Give it a minute: docker stop -t 60.
ENTRYPOINT ["/usr/bin/disband-batch"]
