#!/usr/bin/env bash
# One LXD "host". Usage: lxd.sh up|down|purge|alive lxd|lxd2
#   lxd    /var/lib/lxd     https 127.0.0.1:8443   bridge lxdbr0   container web0
#   lxd2   /var/lib/lxd-1   https 127.0.0.1:8444   bridge lxdbr1   container web1
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$HERE/lxd-lib.sh"

action="$1" ENGINE="$2"
case "$ENGINE" in
  lxd) export LXD_DIR=/var/lib/lxd; n=0;;
  lxd2) export LXD_DIR=/var/lib/lxd-1; n=1;;
  *) echo "no such LXD: $ENGINE" >&2; exit 2;;
esac
url="127.0.0.1:$((8443 + n))" bridge="lxdbr$n" instance="web$n"
trust_password=proxmcp-test

case "$action" in
  alive) [ -s "$FACTS/$ENGINE.json" ] && answers "$(socket_in_facts)" /1.0; exit;;
  down) lxd_down "$ENGINE"; exit;;
  purge) lxd_purge "$ENGINE"; exit;;
esac

# Somebody's own LXD: lend it an image, ask nothing else of it.
if [ "$ENGINE" = lxd ] && ! is_running lxd && [ ! -e "$LXD_DIR/$MARK" ]; then
  for dir in /var/lib/lxd /var/snap/lxd/common/lxd; do
    answers "$dir/unix.socket" /1.0 || continue
    command -v lxc >/dev/null || skip "an LXD answers on $dir/unix.socket, but there is no lxc client to give it the test image"
    export LXD_DIR="$dir"
    lxd_image
    publish "$ENGINE" socket "$dir/unix.socket" image busybox foreign @true
    echo "using the LXD that already runs on $dir/unix.socket"
    exit 0
  done
fi

lxd_prepare
lxd_start "$ENGINE"

if ! lxc profile device get default eth0 network 2>/dev/null | grep -qx "$bridge" \
  || ! lxc query /1.0/storage-pools/default >/dev/null 2>&1 \
  || [ "$(lxc config get core.https_address)" != "$url" ]; then
  # No NAT and no routing: containers see each other and the host, nothing else.
  lxd init --preseed <<X
config:
  core.https_address: "$url"
  core.trust_password: "$trust_password"
  images.auto_update_interval: "0"
storage_pools:
- {name: default, driver: dir}
networks:
- name: $bridge
  type: bridge
  config: {ipv4.address: 10.77.$n.1/24, ipv4.nat: "false", ipv4.routing: "false", ipv6.address: none}
profiles:
- name: default
  devices:
    root: {type: disk, path: /, pool: default}
    eth0: {type: nic, name: eth0, network: $bridge}
X
fi

# Without its dnsmasq the bridge gives nobody an address, and the daemon does not miss it. A change of its settings starts it again.
[ -n "$(pids_with "$LXD_DIR/networks/$bridge/")" ] || lxc network set "$bridge" raw.dnsmasq="# started again $(date +%s)"

lxd_image
lxd_trust
lxd_instance "$instance"

server="$STATE/tls/$ENGINE-server.crt"
cp "$LXD_DIR/server.crt" "$server"
publish "$ENGINE" socket "$LXD_DIR/unix.socket" url "https://$url" cert "$CLIENT.crt" key "$CLIENT.key" \
  serverCert "$server" fingerprint "$(fingerprint "$server")" trustPassword "$trust_password" \
  image busybox instance "$instance" network "$bridge" foreign @false
