# syntax=docker/dockerfile:1
# csl-stream as a container: `docker build -t csl-stream .`, for x86-64 or arm64 (`--platform`).
#
#   rust ── cargo build ──▶ one binary ──▶ distroless: glibc, CA certificates, nobody's shell

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src src
# The demo's schema is part of the program.
COPY fixtures/demo fixtures/demo
# Cargo.toml names the benches, so cargo wants to see them.
COPY benches benches
# FEATURES=serve without the defaults is the small receiver.
ARG FEATURES=default
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=csl-stream-$TARGETPLATFORM \
    cargo build --locked --release --bin csl-stream --no-default-features --features "$FEATURES" \
 && cp target/release/csl-stream /csl-stream

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /csl-stream /usr/local/bin/csl-stream
# The working folder holds the local queue and warehouse, unless configured: mount a volume there.
WORKDIR /home/nonroot
# So that an empty one is nonroot's: Fargate keeps the owner of a path that is named here.
VOLUME /home/nonroot
# `nonroot` of the image, as a number: Kubernetes wants to see that it is not 0.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/csl-stream"]
CMD ["--help"]
