#!/bin/sh
# Lets podman make volumes, pods and containers in a place of its own, and
# copies its databases to the folder given. Needs root and Debian's podman and
# busybox; touches nothing of the host.
set -eu

if [ "${1:-}" != inside ]; then
    out=$(realpath "${1:?usage: podman.sh FOLDER}")
    exec unshare --mount --net --uts --ipc --pid --fork --mount-proc --kill-child sh "$0" inside "$out"
fi
out=$2
hostname demo
mkdir -p /var/lib/containers /etc/cni/net.d
for place in /run /var/lib/containers /etc/cni/net.d; do
    mount -t tmpfs demo "$place"
done
ip link set lo up
podman() { command podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend file "$@"; }

podman volume create data
podman volume create --label keep=yes labelled
podman volume create gone
podman volume rm gone
mkdir -p /run/image/bin
cp /bin/busybox /run/image/bin/sh
tar -C /run/image -c . | podman import - demo:1
podman pod create --infra=false --label team=storage web
podman pod create --infra=false empty
podman create --name one --pod web --volume data:/data --env GREETING=hello demo:1 sh -c 'echo hello'
podman create --name two --network none --label number=2 demo:1 sh
podman create --name three --network none demo:1 sh
podman rm three
podman ps --all --pod

find /var/lib/containers -name '*.db'
cp /var/lib/containers/storage/libpod/bolt_state.db "$out/"
find /var/lib/containers -name 'blob-info-cache*.boltdb' -exec cp {} "$out/" \;
