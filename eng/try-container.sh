#!/usr/bin/env bash
# Builds the container image on a base of Debian's packages, and runs it as a container: an ordinary user, a read-only root, no network.
# By default the image without libtorch, with one mounted; `eng/try-container.sh whole` builds the image with libtorch.
# Needs root, and buildah, mmdebstrap, runc and jq; no daemon and no registry of images.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/needs.sh buildah mmdebstrap runc jq
work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot
name=moco-tried-$$
containers=()
clean() {
    for container in "${containers[@]}"; do buildah rm "$container" > /dev/null || true; done
    buildah rmi -f "localhost/$name" "localhost/$name-base" > /dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT

echo "a base of Debian's packages"
mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
base=$(buildah from scratch)
containers+=("$base")
buildah add -q "$base" "$work/base.tar" / > /dev/null
buildah commit -q "$base" "localhost/$name-base" > /dev/null

echo "the image"
mounts='[]'
variables='[]'
if [ "${1:-}" != whole ]; then
    export WITHOUT_LIBTORCH=true
    packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
    mounts=$(jq -n --arg from "${packages}libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native" \
        '[{ destination: "/mnt", type: "bind", source: $from, options: ["bind", "ro"] }]')
    variables='["MOCOSHARP_LIBTORCH=/mnt"]'
fi
NAME=$name eng/container.sh "$work/moco.tar" "BASE=localhost/$name-base" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
tail -n 1 "$work/log"
image=$(buildah from "localhost/$name")
containers+=("$image")
root=$(buildah mount "$image")
buildah inspect "$image" > "$work/image.json"

# contain ARGUMENT...: runs moco as the image says, with $work/here as its folder. $mounts and $variables are added.
mkdir "$work/here"
chown 1000:1000 "$work/here"
contain() {
    mkdir -p "$work/bundle"
    (cd "$work/bundle" && rm -f config.json && runc spec)
    jq --slurpfile image "$work/image.json" --arg root "$root" --arg here "$work/here" --argjson mounts "$mounts" \
        --argjson variables "$variables" '
        $image[0].OCIv1.config as $made
        | .root = { path: $root, readonly: true }
        | .process.terminal = false
        | .process.user = ($made.User | split(":") | map(tonumber) | { uid: .[0], gid: .[1] })
        | .process.cwd = $made.WorkingDir
        | .process.env = (["PATH=/usr/local/bin:/usr/bin:/bin"] + $made.Env + $variables)
        | .process.args = ($made.Entrypoint + $ARGS.positional)
        | .mounts += [{ destination: "/work", type: "bind", source: $here, options: ["bind", "rw"] }] + $mounts' \
        "$work/bundle/config.json" --args -- "$@" > "$work/bundle/filled.json"
    mv "$work/bundle/filled.json" "$work/bundle/config.json"
    runc --root "$work/runc" run --bundle "$work/bundle" "moco-$$-$RANDOM"
}

echo "an ordinary user, a read-only root"
contain pretrain --run run --data patterns:300 --steps 2 --set knn.everyEpochs=0
contain pretrain --run run --resume --steps 4
contain knn run
test "$(stat -c %u "$work/here/run/config.json")" = 1000

contain inspect --environment
echo "the image runs as it should"
