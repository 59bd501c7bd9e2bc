#!/usr/bin/env bash
# One Docker Engine. Usage: docker.sh up|down|purge|alive docker|docker-tls
#   docker       /var/run/docker.sock           tcp 127.0.0.1:2375, plain         container app0
#   docker-tls   /run/proxmcp-docker-tls.sock   tcp 127.0.0.1:2376, mutual TLS    container app1
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

action="$1" ENGINE="$2"
case "$ENGINE" in
  docker) socket=/var/run/docker.sock; port=2375; container=app0; bridge=docker0;;
  docker-tls) socket=/run/proxmcp-docker-tls.sock; port=2376; container=app1; bridge=pmdocker1;;
  *) echo "no such Docker: $ENGINE" >&2; exit 2;;
esac
data="$STATE/$ENGINE" exec_root="/run/proxmcp-$ENGINE" tls="$STATE/docker-tls-keys"
image=proxmcp/busybox:1.35

docker() { command docker -H "unix://$socket" "$@"; }
up() { answers "$socket" /_ping; }

# containerd and its shims outlive a killed dockerd. They carry our exec root in their command lines.
leftovers() { pids_with "$exec_root/"; }
end_leftovers() {
  local pid child exe
  for exe in containerd-shim-runc-v2 containerd; do
    for pid in $(leftovers); do
      [ "$(exe_of "$pid")" = "$exe" ] || continue
      if [ "$exe" != containerd ]; then for child in $(children_of "$pid"); do kill -KILL "$child" 2>/dev/null || true; done; fi
      kill -KILL "$pid" 2>/dev/null || true
    done
  done
}

down() {
  local ids
  if is_running "$ENGINE"; then
    ids="$(docker ps -q 2>/dev/null || true)"
    # shellcheck disable=SC2086
    [ -z "$ids" ] || timeout 60 docker stop -t 1 $ids >/dev/null 2>&1 || true
    halt "$ENGINE" 30
  fi
  rm -f "$PIDS/$ENGINE" "$FACTS/$ENGINE.json"
  # unless a dockerd of another ENGINES_DIR is their parent
  up || end_leftovers
}

case "$action" in
  alive) [ -s "$FACTS/$ENGINE.json" ] && up; exit;;
  down) down; exit;;
  purge)
    down
    if ! up && [ -d "$data" ]; then
      unmount_below "$data"; unmount_below "$exec_root"
      rm -rf --one-file-system "$data" "$exec_root" "$exec_root.pid"
      [ "$ENGINE" = docker ] || rm -rf "$tls"
      rm -f "$socket"
      ip link del "$bridge" 2>/dev/null || true
    fi
    exit
    ;;
esac

import_image() {
  docker image inspect "$image" >/dev/null 2>&1 && return 0
  # The sleep runs in the background, so that the shell hears TERM at once.
  docker import \
    -c 'CMD ["/bin/sh","-c","trap \"echo bye; exit 0\" TERM INT; n=0; while :; do n=$((n+1)); echo \"tick $n\"; sleep 3 & wait $!; done"]' \
    -c 'LABEL org.proxmcp.test=1' "$("$HERE/rootfs.sh")/docker.tar" "$image" >/dev/null
}

# Somebody's own Docker: lend it an image, ask nothing else of it.
# One with our label was started with another ENGINES_DIR: ours to use, not ours to stop.
labelled() { curl -sf --noproxy '*' --max-time 5 --unix-socket "$socket" http://engine/info | grep -q '"proxmcp-engines=1"'; }
if up && ! is_running "$ENGINE" && { [ "$ENGINE" = docker-tls ] || ! labelled; }; then
  [ "$ENGINE" = docker ] || skip "the engine on $socket was not started with this ENGINES_DIR, its keys are elsewhere"
  command -v docker >/dev/null || skip "a Docker answers on $socket, but there is no docker client to give it the test image"
  import_image
  publish docker socket "$socket" image "$image" foreign @true
  echo "using the Docker that already runs on $socket"
  exit 0
fi

require_container_host
install_packages dockerd=docker.io docker=docker.io containerd=containerd runc=runc iptables=iptables openssl=openssl ip=iproute2 curl=curl

make_keys() {
  [ ! -s "$tls/client.crt" ] || return 0
  mkdir -p "$tls"
  self_signed "$tls/ca" proxmcp-test-ca
  local who
  for who in server client; do
    openssl req "${new_key[@]}" -subj "/CN=proxmcp-$who" -keyout "$tls/$who.key" -out "$tls/$who.csr" 2>/dev/null
    openssl x509 -req -in "$tls/$who.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 3650 -sha384 \
      -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' "$who") -out "$tls/$who.crt" 2>/dev/null
    chmod 600 "$tls/$who.key"
  done
}

# overlay2 wants a backing file system that is not itself an overlay; vfs always works, slowly
storage_driver() {
  local t="$data/probe" driver=vfs
  mkdir -p "$t"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$t/lower,upperdir=$t/upper,workdir=$t/work" "$t/merged" 2>/dev/null; then
    umount "$t/merged"; driver=overlay2
  fi
  rm -rf "$t"; echo "$driver"
}

if ! up; then
  halt "$ENGINE" 5
  # A containerd left without its dockerd may be half dead: start clean.
  end_leftovers
  rm -f "$exec_root.pid" "$exec_root/containerd/containerd.pid"
  mkdir -p "$data/root"
  args=(--data-root "$data/root" --exec-root "$exec_root" --pidfile "$exec_root.pid" --label proxmcp-engines=1 --storage-driver "$(storage_driver)"
    --host "unix://$socket" --host "tcp://127.0.0.1:$port" --iptables=false --ip-forward=false --ip-masq=false)
  if [ "$ENGINE" = docker-tls ]; then
    make_keys
    ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
    ip addr replace 172.31.1.1/24 dev "$bridge"
    ip link set "$bridge" up
    args+=(--bridge "$bridge" --tlsverify --tlscacert "$tls/ca.crt" --tlscert "$tls/server.crt" --tlskey "$tls/server.key")
  fi
  launch "$ENGINE" dockerd "${args[@]}"
  comes_up "$ENGINE" 60 up || skip "dockerd did not start: $(last_words "$ENGINE")"
fi

import_image
docker inspect "$container" >/dev/null 2>&1 || docker create --name "$container" --label org.proxmcp.test=1 "$image" >/dev/null
[ "$(docker inspect -f '{{.State.Running}}' "$container")" = true ] || docker start "$container" >/dev/null

if [ "$ENGINE" = docker ]; then
  publish docker socket "$socket" url "http://127.0.0.1:$port" image "$image" container "$container" foreign @false
else
  publish docker-tls socket "$socket" url "https://127.0.0.1:$port" ca "$tls/ca.crt" cert "$tls/client.crt" key "$tls/client.key" \
    image "$image" container "$container" foreign @false
fi
