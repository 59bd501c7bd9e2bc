# What a single LXD and the members of a cluster have in common. Works on $LXD_DIR. Source it after lib.sh.
# shellcheck shell=bash

CLIENT="$STATE/tls/client"
MARK=.started-by-proxmcp-engines   # says that the data in an LXD_DIR is ours to run and to delete
export HOME="${HOME:-/root}"

socket_in_facts() { sed -n 's/.*"socket": "\([^"]*\)".*/\1/p' "$FACTS/$ENGINE.json"; }

# packages and host settings
lxd_prepare() {
  require_container_host
  install_packages lxd=lxd lxc=lxd-client lxcfs=lxcfs dnsmasq=dnsmasq-base nft=nftables openssl=openssl ip=iproute2 curl=curl
  local f
  for f in /etc/subuid /etc/subgid; do grep -q '^root:' "$f" 2>/dev/null || echo 'root:100000:10000001' >>"$f"; done
  # Otherwise frames between two containers of one bridge meet LXD's reject rule for routed packets.
  # Somebody's own Docker needs this switch on; ours runs without iptables and does not care.
  if [ -w /proc/sys/net/bridge/bridge-nf-call-iptables ] && { is_running docker || ! answers /var/run/docker.sock /_ping; }; then
    echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
  fi
  lxcfs_start
}

lxcfs_ok() { head -c 1 /var/lib/lxcfs/proc/meminfo >/dev/null 2>&1; }
lxcfs_start() {
  lxcfs_ok && return 0
  # a killed lxcfs leaves a mount that answers "transport endpoint is not connected"
  while grep -q ' /var/lib/lxcfs fuse' /proc/mounts; do umount -l /var/lib/lxcfs || break; done
  halt lxcfs 3
  mkdir -p /var/lib/lxcfs
  launch lxcfs lxcfs -p "$PIDS/lxcfs.own" /var/lib/lxcfs
  comes_up lxcfs 10 lxcfs_ok || skip "lxcfs did not start: $(last_words lxcfs)"
}

# lxd_start NAME : the daemon for $LXD_DIR
lxd_start() {
  lxd_launch "$1"
  lxd_ready "$1"
}
lxd_launch() {
  if answers "$LXD_DIR/unix.socket" /1.0; then
    # marked but not in our pid files: started with another ENGINES_DIR. Ours to use, not ours to stop.
    is_running "$1" || [ -e "$LXD_DIR/$MARK" ] || skip "an LXD that these scripts did not start uses $LXD_DIR"
    return 0
  fi
  if [ -d "$LXD_DIR/database" ] && [ ! -e "$LXD_DIR/$MARK" ]; then
    skip "$LXD_DIR holds the data of an LXD that these scripts did not create"
  fi
  halt "$1" 5
  lxd_sweep_helpers
  mkdir -p "$LXD_DIR" "/var/log/$(basename "$LXD_DIR")"
  chmod 711 "$LXD_DIR"; touch "$LXD_DIR/$MARK"
  ulimit -n 1048576 2>/dev/null || true
  launch "$1" lxd --group lxd --logfile "/var/log/$(basename "$LXD_DIR")/lxd.log"
}
lxd_ready() {
  comes_up "$1" 60 answers "$LXD_DIR/unix.socket" /1.0 || skip "LXD did not start: $(last_words "$1")"
  # it answers before its instances and networks are up
  lxd waitready --timeout=60 >/dev/null 2>&1 || skip "LXD did not get ready within a minute: $(last_words "$1")"
}

# dnsmasq of a killed daemon holds the address of the bridge; its pid file may name a stranger by now
lxd_sweep_helpers() {
  local pid
  [ -e "$LXD_DIR/$MARK" ] || return 0
  for pid in $(pids_with "$LXD_DIR/networks/"); do
    [ "$(exe_of "$pid")" != dnsmasq ] || kill "$pid" 2>/dev/null || true
  done
  rm -f "$LXD_DIR"/networks/*/dnsmasq.pid
}

lxd_image() {
  lxc query /1.0/images/aliases/busybox >/dev/null 2>&1 \
    || lxc image import "$("$HERE/rootfs.sh")/lxd.tar.gz" --alias busybox -q
}

lxd_trust() {
  self_signed "$CLIENT" proxmcp-client
  lxc query "/1.0/certificates/$(fingerprint "$CLIENT.crt")" >/dev/null 2>&1 \
    || lxc config trust add "$CLIENT.crt" --name proxmcp-client -q >/dev/null
}

# lxd_instance NAME [lxc init flags] : exists, runs, and has a /proc that can be read
lxd_instance() {
  local name="$1"; shift
  lxc query "/1.0/instances/$name" >/dev/null 2>&1 || lxc init busybox "$name" -q "$@" 2>/dev/null
  wait_until 30 instance_running "$name" || { lxc start "$name"; return 1; }
  # a restarted lxcfs is not seen by containers that ran through the restart
  lxc exec "$name" -- head -c 1 /proc/meminfo >/dev/null 2>&1 || lxc restart -f "$name"
  wait_until 10 instance_leased "$name" || true
}
instance_status() { lxc query "/1.0/instances/$1/state" 2>/dev/null | sed -n 's/.*"status": "\([A-Za-z]*\)".*/\1/p' | head -n 1; }
# LXD itself starts again what ran before, so "already running" from start is no failure: look again
instance_running() {
  [ "$(instance_status "$1")" = Running ] && return 0
  lxc start "$1" >/dev/null 2>&1 || true
  [ "$(instance_status "$1")" = Running ]
}
instance_leased() {
  lxc query "/1.0/instances/$1/state" | grep -q '"eth0"' || return 0
  lxc query "/1.0/instances/$1/state" | grep -q '"10\.77\.'
}

# lxd_down NAME : stop the daemon we started, together with its instances
lxd_down() {
  local pid child
  if is_running "$1"; then
    timeout 90 lxd shutdown --timeout 60 >/dev/null 2>&1 || true
    halt "$1" 10
  fi
  rm -f "$PIDS/$1"
  if [ -e "$LXD_DIR/$MARK" ] && ! answers "$LXD_DIR/unix.socket" /1.0; then
    # instances outlive a daemon that was killed: end each by its init, the monitor follows
    for pid in $(pids_with "[lxc monitor] $LXD_DIR/containers "); do
      for child in $(children_of "$pid"); do kill -KILL "$child" 2>/dev/null || true; done
      wait_until 5 test ! -d "/proc/$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    lxd_sweep_helpers
    lxd_links
  fi
  rm -f "$FACTS/$ENGINE.json"
  lxcfs_down
}

# bridges and firewall chains of the networks that this LXD managed
lxd_links() {
  local dir name chain
  for dir in "$LXD_DIR"/networks/*/; do
    [ -d "$dir" ] || continue
    name="$(basename "$dir")"
    ip link del "$name" 2>/dev/null || true
    for chain in fwd in out pstrt; do nft delete chain inet lxd "$chain.$name" 2>/dev/null || true; done
  done
}

lxd_purge() {
  local ours=''
  [ ! -e "$LXD_DIR/$MARK" ] || ours=yes
  lxd_down "$1"
  [ -n "$ours" ] || return 0
  if answers "$LXD_DIR/unix.socket" /1.0; then
    # it belongs to another ENGINES_DIR: take back only our certificate
    [ ! -s "$CLIENT.crt" ] || lxc config trust remove "$(fingerprint "$CLIENT.crt")" >/dev/null 2>&1 || true
    return 0
  fi
  unmount_below "$LXD_DIR"
  rm -rf --one-file-system "$LXD_DIR" "/var/log/$(basename "$LXD_DIR")"
}

# every LXD shares the one lxcfs; the last one turns off the light
lxcfs_down() {
  local name
  for name in lxd lxd2 cluster1 cluster2 cluster3; do ! is_running "$name" || return 0; done
  is_running lxcfs || return 0
  halt lxcfs 5
  ! grep -q ' /var/lib/lxcfs fuse' /proc/mounts || umount -l /var/lib/lxcfs || true
}
