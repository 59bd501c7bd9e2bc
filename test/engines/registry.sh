#!/usr/bin/env bash
# A real image registry, to pull from and push to without leaving the machine. Usage: registry.sh up|down|purge|alive registry
# It holds the test image if the plain Docker of docker.sh runs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

action="$1" ENGINE=registry
address=127.0.0.1:5000 dir="$STATE/registry" image=proxmcp/busybox:1.35
up() { curl -sf --noproxy '*' --max-time 5 "http://$address/v2/" >/dev/null 2>&1; }
has_image() { curl -sf --noproxy '*' "http://$address/v2/${image%:*}/tags/list" 2>/dev/null | grep -q "\"${image#*:}\""; }

case "$action" in
  alive) is_running registry && up; exit;;
  down | purge)
    halt registry 5
    rm -f "$FACTS/registry.json"
    [ "$action" = down ] || rm -rf "$dir"
    exit
    ;;
esac

require_root
install_packages docker-registry=docker-registry curl=curl
mkdir -p "$dir"
cat >"$dir/config.yml" <<X
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}
http: {addr: "$address"}
X
if ! is_running registry && up; then skip "another registry listens on $address"; fi
if ! up; then
  halt registry 5
  launch registry docker-registry serve "$dir/config.yml"
  comes_up registry 10 up || skip "the registry did not start: $(last_words registry)"
fi

docker() { command docker -H unix:///var/run/docker.sock "$@"; }
if ! has_image && is_running docker && docker image inspect "$image" >/dev/null 2>&1; then
  docker tag "$image" "$address/$image"
  docker push -q "$address/$image" >/dev/null
  docker rmi "$address/$image" >/dev/null   # only the extra name
fi
if has_image; then
  publish registry url "http://$address" image "$address/$image" foreign @false
else
  publish registry url "http://$address" foreign @false
fi
