#!/usr/bin/env bash
# Builds a container image of moco with buildah, podman or docker, and writes it as an archive: docs/how-to/containers.md.
#   eng/container.sh [ARCHIVE [ARGUMENT=VALUE...]]      # BASE, PACKAGES: the arguments of eng/Containerfile
# NAME is the name of the image; otherwise moco.
# WITHOUT_LIBTORCH=true leaves libtorch out: a small image, for a libtorch that is mounted.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
archive=${1:-moco.tar}
name=${NAME:-moco}
case $archive in *=*)
    echo "eng/container.sh: \"$archive\" is no name of an archive: eng/container.sh moco.tar $archive" >&2
    exit 2 ;;
esac
shift || true
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

program=
for tool in buildah podman docker; do
    command -v $tool > /dev/null && program=$tool && break
done
if [ -z "$program" ]; then
    echo "eng/container.sh: there is no buildah, podman or docker. buildah needs no daemon: apt-get install buildah" >&2
    exit 2
fi

dotnet publish "$root/src/MoCoSharp.Cli" -c Release -r linux-x64 --self-contained -o "$work/moco" \
    -p:WithoutLibtorch="${WITHOUT_LIBTORCH:-false}"
arguments=()
for argument in "$@"; do
    arguments+=(--build-arg "$argument")
done
case $program in
    docker)
        docker build -f "$root/eng/Containerfile" "${arguments[@]}" -t "$name" "$work"
        docker save -o "$archive" "$name" ;;
    *)
        $program build -f "$root/eng/Containerfile" "${arguments[@]}" -t "$name" "$work"
        $program push "$name" "oci-archive:$archive:$name" ;;
esac
ls -lh "$archive"
