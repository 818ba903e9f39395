# syntax=docker/dockerfile:1
# csl-stream as a container: `docker build -t csl-stream .`, for x86-64 or arm64 (`--platform`).
#
#   rust ── cargo build ──▶ one binary ──▶ distroless: glibc, CA certificates, nobody's shell

# Newer digests: docker buildx imagetools inspect rust:1.95-slim-bookworm (and so for the one below).
FROM rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082 AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src src
# The demo's schema is part of the program.
COPY fixtures/demo fixtures/demo
# Cargo.toml names the benches, so cargo wants to see them.
COPY benches benches
# FEATURES=serve without the defaults is the small receiver.
ARG FEATURES=default
# What `csl-stream --version` says of the source.
ARG CSL_COMMIT=
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=csl-stream-$TARGETPLATFORM \
    cargo build --locked --release --bin csl-stream --no-default-features --features "$FEATURES" \
 && cp target/release/csl-stream /csl-stream

FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
COPY --from=build /csl-stream /usr/local/bin/csl-stream
COPY LICENSE NOTICE /usr/share/doc/csl-stream/
# The working folder holds the local queue and warehouse, unless configured: mount a volume there.
WORKDIR /home/nonroot
# So that an empty one is nonroot's: Fargate keeps the owner of a path that is named here.
VOLUME /home/nonroot
# `nonroot` of the image, as a number: Kubernetes wants to see that it is not 0.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/csl-stream"]
CMD ["--help"]
