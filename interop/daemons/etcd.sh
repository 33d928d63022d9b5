#!/bin/sh
# Runs an etcd of its own, fills it with a few hundred revisions, and copies its
# database to the folder given. Needs root and Debian's etcd-server and
# etcd-client; touches nothing of the host.
set -eu

if [ "${1:-}" != inside ]; then
    out=$(realpath "${1:?usage: etcd.sh FOLDER}")
    exec unshare --mount --net --uts --ipc --pid --fork --mount-proc --kill-child sh "$0" inside "$out"
fi
out=$2
hostname demo
mount -t tmpfs demo /run
ip link set lo up
export ETCDCTL_API=3
etcd --name demo --data-dir /run/etcd >"$out/etcd.log" 2>&1 &
daemon=$!
until etcdctl endpoint health >/dev/null 2>&1; do
    kill -0 "$daemon"
    sleep 0.2
done

i=0
while [ "$i" -lt 400 ]; do
    etcdctl put "/registry/things/default/thing-$((i % 120))" "revision $i of the thing" >/dev/null
    i=$((i + 1))
done
head -c 100000 /dev/zero | tr '\0' L | etcdctl put /registry/large >/dev/null
lease=$(etcdctl lease grant 86400 | cut -d ' ' -f 2)
etcdctl put --lease "$lease" /registry/leased value
etcdctl del --prefix /registry/things/default/thing-9
etcdctl compact 200
etcdctl role add reader
etcdctl role grant-permission reader read --prefix=true /registry/
etcdctl user add --no-password somebody
etcdctl user grant-role somebody reader
etcdctl alarm list
etcdctl endpoint status -w table

kill -TERM "$daemon"
wait "$daemon" || true
cp /run/etcd/member/snap/db "$out/db"
