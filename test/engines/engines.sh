# The list of engines, the lock and the joined result. Source it after lib.sh.
# shellcheck shell=bash

script_of() {
  case "$1" in
    lxd | lxd2) echo lxd.sh;;
    docker | docker-tls) echo docker.sh;;
    cluster) echo cluster.sh;;
    sshd) echo sshd.sh;;
    registry) echo registry.sh;;
    *) return 1;;
  esac
}

# Two test runs at once must not start the same daemon twice.
take_lock() {
  command -v flock >/dev/null || return 0
  exec 9>"$ENGINES_DIR/lock"
  flock -w 900 9 || { echo "another up.sh or down.sh has been holding $ENGINES_DIR/lock for 15 minutes" >&2; exit 1; }
}

# Engines of an earlier call are listed as well, but only while they live.
write_engines_json() {
  local engine key sep='' tmp="$ENGINES_DIR/engines.json.tmp"
  {
    printf '{'
    for engine in lxd lxd2 cluster docker docker-tls registry sshd; do
      [ -s "$FACTS/$engine.json" ] || continue
      if ! grep -q '^{"skipped"' "$FACTS/$engine.json" && ! "$HERE/$(script_of "$engine")" alive "$engine" 9>&-; then
        rm -f "$FACTS/$engine.json"; continue
      fi
      key="$engine"; [ "$key" != docker-tls ] || key=dockerTls
      printf '%s\n  "%s": %s' "$sep" "$key" "$(cat "$FACTS/$engine.json")"
      sep=','
    done
    printf '\n}\n'
  } >"$tmp"
  mv -f "$tmp" "$ENGINES_DIR/engines.json"
}
