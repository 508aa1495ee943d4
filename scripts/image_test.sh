#!/usr/bin/env bash
# Builds the image for real, on a machine that reaches no registry of images, and runs inside it,
# as its user: what a container starts, the tests, a Beam pipeline on a worker, the compiled job.
# Says so and ends well where that can't be done: it needs root on Linux x86_64, and Debian's
# packages, PyPI and Go's modules by their ordinary clients.
# Usage: scripts/image_test.sh [TEST ...]       default: what `make test` runs
#   NODULEFLOW_IMAGE_TEST=0      skips it        NODULEFLOW_IMAGE_STORE=DIR   where images are kept
#   BASE=… BEAM_SDK=…            images to build on, in place of stand-ins that are made here
set -euo pipefail
cd "$(dirname "$0")/.."
skip() { echo "image-test: skipped: $*"; exit 0; }
step() { echo "image-test: $* ($SECONDS s)"; }
fail() { echo "image-test: failed: $*" >&2; exit 1; }

[ "${NODULEFLOW_IMAGE_TEST:-1}" != 0 ] || skip "NODULEFLOW_IMAGE_TEST=0"
[ "$(uname -sm)" = "Linux x86_64" ] || skip "needs Linux on x86_64, this is $(uname -sm)"
[ "$(id -u)" = 0 ] || skip "needs root, this is user $(id -u)"
for tool in buildah debootstrap go; do
    command -v "$tool" >/dev/null && continue
    package=$tool
    [ "$tool" != go ] || package=golang-go
    { apt-get update -q && apt-get install -y -q --no-install-recommends "$package"; } \
        >/dev/null 2>&1 || skip "no $tool, and apt-get could not install $package"
done

store=${NODULEFLOW_IMAGE_STORE:-/var/tmp/noduleflow-image}
mkdir -p "$store"
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    "$store/storage" "$store/run" > "$store/storage.conf"
# A chroot needs no daemon and no rights beyond root's; network and processes are the machine's.
export CONTAINERS_STORAGE_CONF=$store/storage.conf BUILDAH_ISOLATION=chroot ENGINE=buildah
made=$(mktemp -d "$store/made.XXXXXX")
containers=()
workers=()
tidy() {
    for worker in "${workers[@]}"; do kill -- "-$worker" 2>/dev/null || true; done
    for container in "${containers[@]}"; do buildah rm "$container" >/dev/null || true; done
    rm -rf "$made"
}
trap tidy EXIT

# Makes an image of a folder's content. Called where set -e does not hold: each step says so itself.
image_of() {
    local container
    container=$(buildah from scratch) || return
    containers+=("$container")
    tar -C "$2" -cf "$made/content.tar" . \
        && buildah add --quiet "$container" "$made/content.tar" / >/dev/null \
        && buildah commit --quiet "$container" "$1" >/dev/null \
        && rm -rf "$made/content.tar" "$2"
}

has_image() { buildah inspect --type image "$1" >/dev/null 2>&1; }

if [ -z "${BASE:-}" ]; then
    export BASE=localhost/noduleflow-base:latest
    if ! has_image "$BASE"; then
        debootstrap --variant=minbase --include=ca-certificates trixie "$made/base" \
            > "$made/log" 2>&1 || skip "debootstrap could not fetch Debian 13: $(tail -n 1 "$made/log")"
        image_of "$BASE" "$made/base" 2> "$made/log" \
            || skip "buildah could not make an image: $(tail -n 1 "$made/log")"
        step "a stand-in for the base image, by debootstrap"
    fi
fi
# Some machines install buildah and let it run nothing.
probe=$(buildah from "$BASE" 2> "$made/log") && containers+=("$probe") \
    && buildah run "$probe" -- true 2>> "$made/log" \
    || skip "buildah can't run a container here: $(tail -n 1 "$made/log")"
if [ -z "${BEAM_SDK:-}" ]; then
    version=$(sed -n 's/^ARG BEAM_SDK=.*://p' Dockerfile)
    export BEAM_SDK=localhost/noduleflow-beam:$version
    if ! has_image "$BEAM_SDK"; then
        CGO_ENABLED=0 GOBIN=$made/go go install \
            "github.com/apache/beam/sdks/v2/python/container@v$version" > "$made/log" 2>&1 \
            || skip "go could not build Beam's start program: $(tail -n 1 "$made/log")"
        install -D "$made/go/container" "$made/beam/opt/apache/beam/boot"
        image_of "$BEAM_SDK" "$made/beam"
        step "a stand-in for Beam's SDK image, built by go"
    fi
fi

# This machine's own environment compiles the job that runs in the image.
scripts/setup.sh || fail "no environment on this machine"

# What the machine trusts, for downloads while building; nothing of it stays in the image.
trust=/etc/ssl/certs/ca-certificates.crt
options=()
[ ! -f "$trust" ] || options=(--volume "$trust:$trust:ro")

build() {
    scripts/image.sh "${options[@]}" > "$made/build.log" 2>&1 && return
    tail -n 40 "$made/build.log"
    fail "the build of $IMAGE"
}
IMAGE=localhost/noduleflow:test OUTPUT=$made build
step "the image is built, $(buildah images --json localhost/noduleflow:test | sed -n 's/.*"size": "\(.*\)".*/\1/p')"

# A changed line of code, in a copy.
mkdir "$made/changed"
git ls-files | cut -d/ -f1 | sort -u | xargs -I{} cp -a {} "$made/changed"
echo "# changed" >> "$made/changed/pipeline/config.py"
before=$(date +%s%N)
(cd "$made/changed" && IMAGE=localhost/noduleflow:changed OUTPUT=$made build)
took=$((($(date +%s%N) - before) / 1000000))
step "changed code is built in $took ms"
# Seconds where the layers of the dependencies are taken as they are, minutes where they are not.
[ "$took" -lt 60000 ] || fail "expected a changed line to build no dependency again, took $took ms"
buildah rmi localhost/noduleflow:changed >/dev/null

# Starts a container; what is run in it sees $made/shared as /shared.
mkdir -m 1777 "$made/shared"
container_of() { container=$(buildah from "$1"); containers+=("$container"); }
# Beam tells its workers the name of this host, which another container must find.
inside() { buildah run --hostname localhost --volume "$made/shared:/shared" "$container" -- "$@"; }

container_of localhost/noduleflow:test
product=$container
[ "$(inside id -u)" = 1000 ] || fail "expected user 1000, got $(inside id -u)"
for compiler in cc gcc g++ c++; do
    ! inside sh -c "command -v $compiler" 2>/dev/null || fail "the image holds the compiler $compiler"
done
inside /opt/entrypoint.sh python -m serving.segment --help | grep -q usage: || fail "serving.segment"
inside sh -c 'touch probe && rm probe' || fail "the working directory can't be written to"
! inside sh -c 'echo >> local_runner.py' 2>/dev/null || fail "the user may change the code"
step "user, compilers, entry point"

TARGET=test IMAGE=localhost/noduleflow-tests:test OUTPUT=$made build
container_of localhost/noduleflow-tests:test
step "the stage for tests is built"
# What `make test` runs, with the image's Python.
command=$(make --dry-run --silent test ARGS="$*" | sed -n 's|^\.venv/bin/python -m pytest|python -m pytest -p no:cacheprovider|p')
inside env TF_CPP_MIN_LOG_LEVEL=3 sh -c "$command" || fail "tests in the image"
step "tests"

# A worker in one container, the pipeline in another.
! (: < /dev/tcp/localhost/50000) 2>/dev/null || fail "port 50000, a worker's, is in use"
setsid buildah run --volume "$made/shared:/shared" "$product" -- /opt/entrypoint.sh --worker_pool \
    > "$made/worker.log" 2>&1 &
workers+=($!)
inside timeout 600 python -m tests.image_worker /shared || { tail -n 40 "$made/worker.log"; fail "Beam on a worker"; }
step "Beam on a worker"

# The whole job, each task by its own command in the image.
.venv/bin/python kubeflow_runner.py emulate --config configs/demo.yaml \
    --image localhost/noduleflow:test --output "$made/shared/emulated" || fail "emulate in the image"
step "the compiled job"
echo "image-test: passed in $SECONDS s; images are kept in $store"
