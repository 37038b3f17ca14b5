# OpenPLC Runtime for computers with a container engine; openplc-launcher takes the place of systemd.
#
#   docker build -t openplc-runtime .
#   docker run -d --name openplc-runtime -p 8443:8443 --cap-add=SYS_NICE --cap-add=SYS_RESOURCE \
#       -v openplc-runtime-data:/var/run/runtime openplc-runtime
#
# For several platforms: docker buildx build --platform linux/amd64,linux/arm64,linux/arm/v7 .

# Other bases than those of the Docker Hub, such as a mirror's: --build-arg BASE=…
ARG RUST=rust:1.94-slim-bookworm
ARG BASE=debian:bookworm-slim

# Compiles on the processor of whoever builds, for the one that the image is for. Only the second stage is emulated.
FROM --platform=$BUILDPLATFORM ${RUST} AS build
ARG TARGETARCH
ARG TARGETVARIANT
WORKDIR /src
COPY . .
# Fetched and compiled crates are kept for the next build.
RUN --mount=type=cache,target=/usr/local/cargo/registry,id=openplc-registry,sharing=locked \
    --mount=type=cache,target=/src/target,id=openplc-target-$TARGETARCH$TARGETVARIANT \
    tools/build-for "${TARGETARCH:-native}${TARGETVARIANT}" /out

FROM ${BASE}
LABEL org.opencontainers.image.title="OpenPLC Runtime" \
      org.opencontainers.image.description="PLC runtime for programs of the OpenPLC Editor" \
      org.opencontainers.image.licenses="MIT"
# The runtime compiles PLC programs itself, runs Python blocks, and plugins in Python environments of their own.
RUN apt-get update && \
    apt-get install -y --no-install-recommends g++ python3 python3-venv && \
    rm -rf /var/lib/apt/lists/*
# Fixed numbers, so that files on a volume keep their owner when the image changes.
RUN groupadd --system --gid 900 openplc && \
    for user in 901:openplc-api 902:openplc-core 903:openplc-compile; do \
        useradd --system --uid "${user%:*}" --user-group --groups openplc --no-create-home \
            --home-dir /nonexistent --shell /usr/sbin/nologin "${user#*:}" || exit 1; \
    done && \
    useradd --system --uid 904 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin openplc-plugin
COPY --from=build /out/ /usr/

# Accounts, programs and whether the PLC runs. /var/run is a link to /run, so OpenPLC Runtime v4's /var/run/runtime is the same
# folder; engines mount what has the longer path last, so that it is the one that counts.
VOLUME /run/runtime
# Where `openplcctl venv` makes Python environments: the launcher's place for them, on the volume.
ENV OPENPLC_VENV_FOLDER=/run/runtime/venvs
EXPOSE 8443 33333/udp
# The API answers; it takes no account to ask for the version. What fails otherwise is the launcher's affair.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["setpriv", "--reuid=65534", "--regid=65534", \
    "--clear-groups", "--no-new-privs", "python3", "-c", \
    "import ssl, urllib.request as r; r.urlopen('https://127.0.0.1:8443/api/version', timeout=8, context=ssl._create_unverified_context())"]
# It starts as root, to give each service a user of its own, and stops in order on SIGTERM.
ENTRYPOINT ["/usr/bin/openplc-launcher"]
