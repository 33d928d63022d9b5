#!/bin/sh
# Runs a containerd of its own, with namespaces, images, snapshots, leases and
# containers, and copies its databases to the folder given. Needs root and
# Debian's containerd, busybox and util-linux; touches nothing of the host.
set -eu

if [ "${1:-}" != inside ]; then
    out=$(realpath "${1:?usage: containerd.sh FOLDER}")
    exec unshare --mount --net --uts --ipc --pid --fork --mount-proc --kill-child sh "$0" inside "$out"
fi
out=$2
hostname demo
for place in /run /etc/containerd /var/lib/containerd; do
    mkdir -p "$place"
    mount -t tmpfs demo "$place"
done
ip link set lo up
containerd >"$out/containerd.log" 2>&1 &
daemon=$!
until ctr version >/dev/null 2>&1; do
    kill -0 "$daemon"
    sleep 0.2
done

# An image in the OCI layout, made by hand: one layer that holds a static shell.
image=/run/image
mkdir -p "$image/blobs/sha256" /run/layer/bin
cp /bin/busybox /run/layer/bin/sh
add_blob() {
    digest=$(sha256sum "$1" | cut -d ' ' -f 1)
    size=$(stat -c %s "$1")
    cp "$1" "$image/blobs/sha256/$digest"
}
tar -C /run/layer --mtime=@0 --owner=0 --group=0 -cf /run/layer.tar .
add_blob /run/layer.tar
layer="{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:$digest\",\"size\":$size}"
echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$digest\"]}}" >/run/config
add_blob /run/config
echo "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:$digest\",\"size\":$size},\"layers\":[$layer]}" >/run/manifest
add_blob /run/manifest
echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:$digest\",\"size\":$size,\"annotations\":{\"io.containerd.image.name\":\"example.com/demo:1\"}}]}" >"$image/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$image/oci-layout"
tar -C "$image" -cf /run/image.tar .

for namespace in default moby k8s.io; do
    ctr namespaces create "$namespace" owner=tests || ctr namespaces label "$namespace" owner=tests
    ctr -n "$namespace" images import --snapshotter native /run/image.tar
    ctr -n "$namespace" images tag example.com/demo:1 "example.com/$namespace:2"
    ctr -n "$namespace" images label example.com/demo:1 made=for-tests
done
for i in 1 2 3; do
    ctr -n default containers create --snapshotter native --label "number=$i" example.com/demo:1 "container-$i" sh
done
ctr -n default containers delete container-2
ctr -n k8s.io leases create --id lease-1 use=test
ctr -n k8s.io snapshots --snapshotter native prepare extra
ctr namespaces list

kill -TERM "$daemon"
wait "$daemon" || true
cd /var/lib/containerd
find . -name '*.db' | sed 's|^\./||' | while read -r name; do
    cp "$name" "$out/$(echo "$name" | tr / +)"
done
