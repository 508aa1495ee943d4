# One image for components, Dataflow and Flink workers, training and `serving.segment`.
# `make image` builds it and docs/image.md explains it. The last stage is what is shipped.

# Debian 13 with its own Python 3.13, and Beam's SDK image of the version in uv.lock, of which the
# start program of a worker alone is taken. `make image` replaces both by digests.
ARG BASE=docker.io/library/debian:trixie-slim
ARG BEAM_SDK=docker.io/apache/beam_python3.13_sdk:2.77.0
# Where the dependencies come from: the stage below, or an image that was made of it earlier, so
# that changed code builds in seconds.
ARG DEPS=deps

FROM ${BEAM_SDK} AS beam

# Compilers stay in this stage.
FROM ${BASE} AS build
# Debian keeps one version of a package at a time: a pinned one would be gone with the next update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates g++ python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
# pip and uv trust what the system trusts, such as the certificate of a proxy.
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt UV_SYSTEM_CERTS=1
# The version of scripts/setup.sh.
RUN python3 -m venv /opt/uv \
    && echo "uv==0.13.9 --hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19" > /opt/uv/uv.txt \
    && /opt/uv/bin/pip install --no-cache-dir --require-hashes --requirement /opt/uv/uv.txt
WORKDIR /build
COPY pyproject.toml uv.lock ./
# Beam's start program wants pip in the environment; nobody but root could write compiled files.
ENV UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 UV_PROJECT_ENVIRONMENT=/opt/venv
# "cuda" adds NVIDIA's libraries.
ARG EXTRA=""
RUN python3 -m venv /opt/venv \
    && /opt/uv/bin/uv sync --frozen --no-dev --inexact ${EXTRA:+--extra "$EXTRA"} \
    && /opt/uv/bin/uv export --quiet --frozen --no-dev ${EXTRA:+--extra "$EXTRA"} \
        --format cyclonedx1.5 --output-file /opt/lock.cdx.json

# The packages that the tests need besides, for the stage `test`.
FROM build AS dev
RUN /opt/uv/bin/uv export --quiet --frozen --only-group dev --output-file /opt/dev.txt \
    && /opt/uv/bin/uv pip install --python /opt/venv/bin/python --no-deps --require-hashes \
        --target /opt/dev --requirement /opt/dev.txt

FROM ${BASE} AS deps
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgomp1 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home noduleflow
COPY --from=beam /opt/apache/beam/boot /opt/apache/beam/boot
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/lock.cdx.json /opt/lock.cdx.json
COPY scripts/sbom.py /opt/sbom.py
# Beam's start program writes into the working directory: whoever the user is may make files there,
# and nobody but root may change the code.
RUN mkdir --mode=1777 /opt/noduleflow \
    && /opt/venv/bin/python /opt/sbom.py /opt/lock.cdx.json /opt/sbom.cdx.json
# Beam: the packages of a worker are those of the image. NVIDIA: where a machine of Google's or
# NVIDIA's container runtime puts the driver.
ENV PATH=/opt/venv/bin:/usr/local/nvidia/bin:$PATH \
    PYTHONPATH=/opt/noduleflow \
    PYTHONUNBUFFERED=1 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# hadolint ignore=DL3006
FROM ${DEPS} AS code
WORKDIR /opt/noduleflow
COPY scripts/entrypoint.sh /opt/entrypoint.sh
COPY configs configs
COPY lungct lungct
COPY schema schema
COPY phantom phantom
COPY models models
COPY serving serving
COPY report report
COPY components components
COPY pipeline pipeline
COPY runner runner
COPY LICENSE kubeflow_runner.py local_runner.py ./
USER 1000
ENTRYPOINT ["/opt/entrypoint.sh"]
CMD ["python", "-m", "serving.segment", "--help"]

# The image, and what its tests need on top: `make image-test`.
FROM code AS test
WORKDIR /opt/noduleflow
COPY --from=dev /opt/dev /opt/dev
COPY . .
ENV PYTHONPATH=/opt/noduleflow:/opt/dev

FROM code AS image
