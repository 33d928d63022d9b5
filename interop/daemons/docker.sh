#!/bin/sh
# Runs a dockerd of its own, with networks, volumes, images and containers, and
# copies its databases to the folder given. Needs root and Debian's docker.io;
# touches nothing of the host: own mount, network, host name and process
# namespaces, with empty file systems over every place that dockerd writes to.
set -eu

if [ "${1:-}" != inside ]; then
    out=$(realpath "${1:?usage: docker.sh FOLDER}")
    exec unshare --mount --net --uts --ipc --pid --fork --mount-proc --kill-child sh "$0" inside "$out"
fi
out=$2
hostname demo
for place in /run /etc/docker /var/lib/docker /var/lib/containerd; do
    mkdir -p "$place"
    # The results are copied out through the folder's own mount.
    mount -t tmpfs demo "$place"
done
ip link set lo up
ip link add uplink0 type veth peer name uplink1
ip link set uplink0 up

dockerd --iptables=false --ip6tables=false --storage-driver=vfs --userland-proxy=false \
    --exec-opt native.cgroupdriver=cgroupfs >"$out/dockerd.log" 2>&1 &
daemon=$!
until docker version >/dev/null 2>&1; do
    kill -0 "$daemon"
    sleep 0.2
done

docker network create plain
docker network create --subnet 10.90.0.0/16 --ip-range 10.90.5.0/24 --gateway 10.90.0.1 \
    --aux-address printer=10.90.0.9 --label team=storage --label note='two words' labelled
docker network create --internal --opt com.docker.network.bridge.name=br-demo \
    --opt com.docker.network.driver.mtu=1400 inner
docker network create --ipv6 --subnet fd00:90::/64 --subnet 10.91.0.0/24 six || true
docker network create -d macvlan --subnet 10.92.0.0/24 -o parent=uplink0 lan || true
docker network create -d ipvlan --subnet 10.93.0.0/24 -o parent=uplink1 ipv || true
for i in 1 2 3 4 5 6; do docker network create "temporary-$i"; done
for i in 1 3 5; do docker network rm "temporary-$i"; done

docker volume create data
docker volume create --label keep=yes labelled
docker volume create --driver local --opt type=tmpfs --opt device=tmpfs --opt o=size=1m memory
docker volume create gone
docker volume rm gone

# A static shell is all that the containers need.
mkdir -p /run/image/bin
cp /bin/busybox /run/image/bin/sh
tar -C /run/image -c . | docker import - demo:1
mkdir -p /run/build
printf 'FROM demo:1\nCOPY note /note\nLABEL made=for-tests\n' >/run/build/Dockerfile
echo hello >/run/build/note
DOCKER_BUILDKIT=1 docker build -t demo:2 /run/build || true

docker run -d --name one --network labelled --ip 10.90.5.7 -v data:/data demo:1 sh -c 'while :; do sleep 60; done' || true
docker run -d --name two --network plain -p 8080:80 --hostname two demo:1 sh -c 'while :; do sleep 60; done' || true
docker network connect inner two || true
docker ps -a

# As a running daemon keeps them: the locks are of no matter to cp, and nothing
# writes any more.
sync
copy() {
    mkdir -p "$out/$1"
    (cd /var/lib/docker && find . -name '*.db' | sed 's|^\./||') | while read -r name; do
        cp "/var/lib/docker/$name" "$out/$1/$(echo "$name" | tr / +)"
    done
}
copy running
docker stop -t 1 one two || true
docker rm two || true
kill -TERM "$daemon"
wait "$daemon" || true
copy stopped
