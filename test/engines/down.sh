#!/usr/bin/env bash
# Stops what up.sh started. Usage: down.sh [--purge] [engine ...]   (default: all)
# --purge also deletes instances, images, keys and data. Packages stay installed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$HERE/engines.sh"

action=down named=()
for arg in "$@"; do
  case "$arg" in
    --purge) action=purge;;
    *) script_of "$arg" >/dev/null || { echo "unknown engine: $arg" >&2; exit 2; }; named+=("$arg");;
  esac
done
[ "$(id -u)" = 0 ] || { echo "up.sh starts engines only as root, so there is nothing to stop" >&2; exit 0; }

take_lock
stop=("${named[@]}")
[ ${#stop[@]} -gt 0 ] || stop=(registry sshd cluster lxd2 lxd docker-tls docker)
for engine in "${stop[@]}"; do
  began=$SECONDS known='' ours=''
  [ ! -e "$FACTS/$engine.json" ] || known=yes
  [ "$engine" = cluster ] && recorded=cluster1 || recorded="$engine"
  [ ! -e "$PIDS/$recorded" ] || ours=yes
  "$HERE/$(script_of "$engine")" "$action" "$engine" 9>&- || say "$engine: could not be stopped completely"
  if [ -n "$ours" ]; then say "$engine: stopped ($((SECONDS - began)) s)"
  elif [ -n "$known" ]; then say "$engine: not started from this ENGINES_DIR, left alone"
  fi
done

write_engines_json
if [ "$action" = purge ] && [ ${#named[@]} -eq 0 ]; then rm -rf --one-file-system "$ENGINES_DIR"; fi
