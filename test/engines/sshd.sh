#!/usr/bin/env bash
# An OpenSSH server with keys only. Usage: sshd.sh up|down|purge|alive sshd
#   127.0.0.1:2222, users root and proxmcp-ops (in the groups lxd and docker where they exist).
#   Forwarding to unix sockets is on, so that /var/run/docker.sock can be reached through it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

action="$1" ENGINE=sshd
dir="$STATE/ssh" user=proxmcp-ops
open_port() { exec 3<>/dev/tcp/127.0.0.1/2222; }
listening() { (open_port) 2>/dev/null; }

case "$action" in
  alive) is_running sshd; exit;;
  down | purge)
    halt sshd 5
    rm -f "$FACTS/sshd.json"
    if [ "$action" = purge ]; then
      # the account is ours only if we noted that we made it
      [ ! -e "$dir/made-user" ] || userdel -r "$user" >/dev/null 2>&1 || true
      rm -rf "$dir"
    fi
    exit
    ;;
esac

require_root
install_packages sshd=openssh-server ssh=openssh-client useradd=passwd
if ! is_running sshd && listening; then skip "something else listens on 127.0.0.1:2222"; fi

mkdir -p "$dir" /run/sshd; chmod 755 "$dir" /run/sshd
if ! id "$user" >/dev/null 2>&1; then
  # '*' is a password that never matches; '!' would lock the account for keys, too
  useradd -m -s /bin/bash -p '*' "$user"; touch "$dir/made-user"
fi
for group in lxd docker; do
  if getent group "$group" >/dev/null && ! id -nG "$user" | grep -qw "$group"; then gpasswd -a "$user" "$group" >/dev/null; fi
done
for key in host_key client_key; do
  [ -s "$dir/$key" ] || ssh-keygen -q -t ed25519 -N '' -C "proxmcp-$key" -f "$dir/$key"
done
install -m 644 "$dir/client_key.pub" "$dir/authorized_keys"
echo "[127.0.0.1]:2222 $(cut -d' ' -f1,2 "$dir/host_key.pub")" >"$dir/known_hosts"

cat >"$dir/sshd_config" <<X
ListenAddress 127.0.0.1:2222
HostKey $dir/host_key
PidFile none
AuthorizedKeysFile $dir/authorized_keys
# the folder lies below a world-writable one
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers root $user
# no PermitOpen: it would also forbid forwarding to unix sockets
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
StreamLocalBindUnlink yes
Subsystem sftp internal-sftp
LogLevel VERBOSE
X

if ! { is_running sshd && listening; }; then
  halt sshd 5
  launch sshd /usr/sbin/sshd -D -e -f "$dir/sshd_config"
  comes_up sshd 10 listening || skip "sshd did not start: $(last_words sshd)"
fi
publish sshd host 127.0.0.1 port @2222 user "$user" users "@[\"root\", \"$user\"]" key "$dir/client_key" hostKey "$dir/host_key.pub" \
  knownHosts "$dir/known_hosts" hostKeySha256 "$(ssh-keygen -lf "$dir/host_key.pub" | cut -d' ' -f2)" foreign @false
