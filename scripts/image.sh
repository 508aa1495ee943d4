#!/usr/bin/env bash
# Builds the container image with docker, podman or buildah, and writes its SBOM beside it.
# Usage: scripts/image.sh [OPTION_OF_THE_BUILD ...]
#   IMAGE=noduleflow:latest   its name         TARGET=image    stage of the Dockerfile
#   ENGINE=docker             the first of docker, podman, buildah that works
#   BASE=… BEAM_SDK=…         images to build on; default: the Dockerfile's, by their digests
#   EXTRA=cuda                adds NVIDIA's libraries
#   OUTPUT=output/image       where the SBOM is written
#   CACHE=REGISTRY/NAME       where the image of the dependencies is kept, for other machines too
#   REVISION=…                of the code, where there is no git
set -euo pipefail
cd "$(dirname "$0")/.."
say() { echo "image: $*" >&2; exit 1; }

works() {
    case "$1" in
        buildah) buildah version ;;
        *) "$1" info ;;
    esac >/dev/null 2>&1
}

engine=${ENGINE:-}
for candidate in docker podman buildah; do
    [ -n "$engine" ] || ! works "$candidate" || engine=$candidate
done
[ -n "$engine" ] || say "none of docker, podman and buildah works on this machine: install one"
works "$engine" || say "ENGINE=$engine does not work on this machine"

default_of() { sed -n "s/^ARG $1=//p" Dockerfile; }

has_image() {
    case "$engine" in
        buildah) buildah inspect --type image "$1" ;;
        *) "$engine" image inspect "$1" ;;
    esac >/dev/null 2>&1
}

# An image as NAME@DIGEST, so that what is built on is known; one of this machine as it is.
pinned() {
    case "$1" in localhost/*|*@*) echo "$1"; return ;; esac
    "$engine" pull --quiet "$1" >/dev/null || say "can't pull $1"
    case "$engine" in
        buildah) echo "${1%:*}@$(buildah inspect --type image --format '{{.FromImageDigest}}' "$1")" ;;
        *) "$engine" image inspect --format '{{index .RepoDigests 0}}' "$1" ;;
    esac
}

base=$(pinned "${BASE:-$(default_of BASE)}")
beam_sdk=$(pinned "${BEAM_SDK:-$(default_of BEAM_SDK)}")
image=${IMAGE:-noduleflow:latest}
options=(--build-arg "BASE=$base" --build-arg "BEAM_SDK=$beam_sdk" --build-arg "EXTRA=${EXTRA:-}")
options+=("$@")
# podman and buildah take a name without a registry for one of theirs only with this in front.
here=localhost/
[ "$engine" != docker ] || here=""
cached=()
[ "$engine" = docker ] || cached=(--layers)

# The dependencies are an image of their own, made once for what they depend on.
key=$( (cat Dockerfile uv.lock scripts/sbom.py; echo "$base $beam_sdk ${EXTRA:-}") | sha256sum | cut -c1-16)
deps=${CACHE:-${here}noduleflow-deps}:$key
if ! has_image "$deps" && ! { [ -n "${CACHE:-}" ] && "$engine" pull --quiet "$deps" 2>/dev/null; }; then
    "$engine" build "${options[@]}" "${cached[@]}" --target deps --tag "$deps" --file Dockerfile .
    [ -z "${CACHE:-}" ] || "$engine" push "$deps"
fi
# Layers of a few files each cost more than they save; the stage for tests has large ones.
[ "${TARGET:-image}" != image ] || cached=()
labels=(--label "org.opencontainers.image.base.name=$base")
revision=${REVISION:-$(git rev-parse HEAD 2>/dev/null || true)}
[ -z "$revision" ] || labels+=(--label "org.opencontainers.image.revision=$revision")
"$engine" build "${options[@]}" "${cached[@]}" --build-arg "DEPS=$deps" "${labels[@]}" \
    --target "${TARGET:-image}" --tag "$image" --file Dockerfile .

output=${OUTPUT:-output/image}
mkdir -p "$output"
sbom=$output/sbom.cdx.json
if [ "$engine" = buildah ]; then
    container=$(buildah from "$deps")
    if [ "$(id -u)" = 0 ]; then
        cp "$(buildah mount "$container")/opt/sbom.cdx.json" "$sbom"
    else
        buildah run "$container" -- cat /opt/sbom.cdx.json > "$sbom"
    fi
    buildah rm "$container" >/dev/null
else
    container=$("$engine" create "$deps")
    "$engine" cp "$container:/opt/sbom.cdx.json" "$sbom"
    "$engine" rm "$container" >/dev/null
fi
echo "image: $image, built on $base with $engine; its packages are in $sbom"
