#!/usr/bin/env bash
# A real LXD cluster on one machine: three daemons, three LXD_DIRs, three loopback addresses.
# Usage: cluster.sh up|down|purge|alive cluster; cluster.sh kill cN: ends a member as a power failure would, `up` brings it back
#   member cN   /var/lib/lxd-cN   https 127.0.0.1N:8443   container nodeN
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$HERE/lxd-lib.sh"

action="$1" ENGINE=cluster members=(1 2 3)
if [ "$action" = kill ]; then
  pid="$(running "cluster${2#c}")" || { echo "member $2 was not started by this ENGINES_DIR" >&2; exit 3; }
  kill -KILL "$pid"
  exit
fi
use() { export LXD_DIR="/var/lib/lxd-c$1"; }

case "$action" in
  alive)
    for i in "${members[@]}"; do use "$i"; answers "$LXD_DIR/unix.socket" /1.0 || exit 1; done
    exit
    ;;
  down | purge)
    # The database wants a majority, also for a clean stop: instances first, then all members at the same moment.
    use 1
    if answers "$LXD_DIR/unix.socket" /1.0 && is_running cluster1; then timeout 60 lxc stop -f --all >/dev/null 2>&1 || true; fi
    for i in "${members[@]}"; do pid="$(running "cluster$i")" && kill -PWR "$pid"; done || true
    for i in "${members[@]}"; do wait_until 15 gone "cluster$i" || halt "cluster$i" 5; done
    for i in "${members[@]}"; do use "$i"; "lxd_$action" "cluster$i"; done
    exit
    ;;
esac

lxd_prepare
# all at once: a member that was in the cluster before does not get ready without a majority
for i in "${members[@]}"; do use "$i"; lxd_launch "cluster$i"; done
for i in "${members[@]}"; do use "$i"; lxd_ready "cluster$i"; done

clustered() { lxc query /1.0 | grep -q '"server_clustered": true'; }
use 1
clustered || lxd init --preseed <<X
config: {core.https_address: "127.0.0.11:8443", images.auto_update_interval: "0"}
cluster: {server_name: c1, enabled: true}
storage_pools:
- {name: default, driver: dir}
profiles:
- name: default
  devices:
    root: {type: disk, path: /, pool: default}
X
for i in "${members[@]:1}"; do
  use "$i"; ! clustered || continue
  use 1; token="$(lxc cluster add "c$i" -q | tail -n 1)"
  use "$i"
  lxd init --preseed <<X
cluster:
  enabled: true
  server_name: c$i
  server_address: 127.0.0.1$i:8443
  cluster_token: $token
  member_config:
  - {entity: storage-pool, name: default, key: source, value: ""}
X
done

use 1
# until the first heartbeat after a restart, members count as offline and their instances as ERROR
all_online() { [ "$(lxc query '/1.0/cluster/members?recursion=1' | grep -c '"status": "Online"')" = "${#members[@]}" ]; }
wait_until 60 all_online || skip "not all members of the LXD cluster came online: $(last_words cluster1)"

# The certificate that LXD makes names one address only. Members are reached on three.
server="$STATE/tls/cluster"
self_signed "$server" proxmcp-cluster -addext 'extendedKeyUsage=serverAuth,clientAuth' \
  -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.11,IP:127.0.0.12,IP:127.0.0.13'
cmp -s "$server.crt" "$LXD_DIR/cluster.crt" || lxc cluster update-certificate "$server.crt" "$server.key" -q >/dev/null

lxd_image
lxd_trust
list='' sep=''
for i in "${members[@]}"; do
  lxd_instance "node$i" --target "c$i"
  list+="$sep$(json_object name "c$i" url "https://127.0.0.1$i:8443" socket "/var/lib/lxd-c$i/unix.socket" instance "node$i")"; sep=', '
done
publish cluster members "@[$list]" cert "$CLIENT.crt" key "$CLIENT.key" serverCert "$server.crt" \
  fingerprint "$(fingerprint "$server.crt")" image busybox foreign @false
