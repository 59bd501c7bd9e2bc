#!/usr/bin/env bash
# Builds, once, a BusyBox root file system in two wrappings and prints the folder they are in:
#   lxd.tar.gz   unified LXD image (metadata.yaml, rootfs/, templates/)
#   docker.tar   flat tree for `docker import`
# Everything in it is reproducible, so the LXD fingerprint stays the same between builds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out="$STATE/image"
if [ -s "$out/lxd.tar.gz" ] && [ -s "$out/docker.tar" ]; then echo "$out"; exit 0; fi

# Take the static build out of its package without installing it: it conflicts with the plain busybox package.
work="$STATE/image.tmp"
rm -rf "$work"; mkdir -p "$work/deb"
if command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1; then
  busybox="$(command -v busybox)"
else
  (cd "$work/deb" && apt_get download busybox-static && dpkg-deb -x ./*.deb .) >"$LOGS/busybox.log" 2>&1 \
    || { echo "no static busybox: $(tail -n 1 "$LOGS/busybox.log")" >&2; exit 1; }
  busybox="$work/deb/bin/busybox"
fi
version="$("$busybox" | sed -n '1s/^BusyBox v\([0-9.]*\).*/\1/p')"

tree="$work/rootfs"
mkdir -p "$tree"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,run,mnt,root,srv,tmp,var/log,var/tmp}
chmod 700 "$tree/root"; chmod 1777 "$tree/tmp" "$tree/var/tmp"
install -m 755 "$busybox" "$tree/bin/busybox"
"$busybox" --list-full | while read -r applet; do
  case "$applet" in bin/busybox | linuxrc) continue;; esac
  mkdir -p "$tree/${applet%/*}"
  ln -s /bin/busybox "$tree/$applet"
done
for must in bin/sh sbin/init; do [ -e "$tree/$must" ] || [ -L "$tree/$must" ] || ln -s /bin/busybox "$tree/$must"; done

printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'app:x:1000:1000:app:/srv:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/false' >"$tree/etc/passwd"
printf '%s\n' 'root:x:0:' 'app:x:1000:' 'nogroup:x:65534:' >"$tree/etc/group"
printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$tree/etc/hosts"
printf '%s\n' 'NAME="BusyBox"' 'ID=busybox' "VERSION_ID=\"$version\"" "PRETTY_NAME=\"BusyBox $version\"" >"$tree/etc/os-release"
: >"$tree/etc/resolv.conf"
echo 'hello from busybox' >"$tree/srv/index.html"

# BusyBox init sleeps through its own shutdown for three seconds. Leaving at once makes every stop in the tests three seconds shorter.
cat >"$tree/etc/inittab" <<'X'
::sysinit:/etc/boot.sh
::respawn:/sbin/getty -n -l /bin/sh 0 console
::ctrlaltdel:/sbin/reboot
::shutdown:/etc/leave.sh poweroff
X
cat >"$tree/etc/leave.sh" <<'X'
#!/bin/sh
echo "busybox: $1"
kill -TERM -1
usleep 100000
exec /bin/busybox "$1" -f
X
rm -f "$tree/sbin/reboot"
printf '#!/bin/sh\nexec /etc/leave.sh reboot\n' >"$tree/sbin/reboot"
cat >"$tree/etc/boot.sh" <<'X'
#!/bin/sh
ifconfig lo up 2>/dev/null
[ ! -s /etc/hostname ] || hostname -F /etc/hostname
syslogd -O /var/log/messages
if [ -e /sys/class/net/eth0 ]; then udhcpc -i eth0 -b -q -s /etc/lease.sh >/var/log/udhcpc.log 2>&1 & fi
logger "boot complete"
echo "busybox: boot complete"
X
cat >"$tree/etc/lease.sh" <<'X'
#!/bin/sh
case "$1" in
  deconfig)
    ip addr flush dev "$interface"
    ip link set "$interface" up
    ;;
  bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for gw in $router; do ip route replace default via "$gw" dev "$interface"; done
    for ns in $dns; do echo "nameserver $ns"; done >/etc/resolv.conf
    ;;
esac
X
chmod 755 "$tree/sbin/reboot" "$tree"/etc/*.sh

mkdir -p "$work/templates"
echo '{{ container.name }}' >"$work/templates/hostname.tpl"
cat >"$work/metadata.yaml" <<X
architecture: $(uname -m)
creation_date: 1700000000
properties:
  os: busybox
  release: "${version%.*}"
  variant: default
  architecture: $(dpkg --print-architecture 2>/dev/null || uname -m)
  description: BusyBox $version
templates:
  /etc/hostname:
    when: [create, copy, rename]
    template: hostname.tpl
X

pack=(tar --sort=name --numeric-owner --owner=0 --group=0 --mtime=@1700000000)
mkdir -p "$work/done"
"${pack[@]}" -C "$work" -cf - metadata.yaml rootfs templates | gzip -n >"$work/done/lxd.tar.gz"
"${pack[@]}" -C "$tree" -cf "$work/done/docker.tar" .
rm -rf "$out"; mv "$work/done" "$out"; rm -rf "$work"
echo "$out"
