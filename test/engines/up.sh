#!/usr/bin/env bash
# Starts real engines for the tests. Usage: up.sh [lxd|lxd2|docker|docker-tls|sshd|cluster|registry ...]
# Default: lxd docker docker-tls. Safe to run again at any time.
# What runs, and why something does not, is written to $ENGINES_DIR/engines.json.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$HERE/engines.sh"

wanted=("$@")
[ ${#wanted[@]} -gt 0 ] || wanted=(lxd docker docker-tls)
for engine in "${wanted[@]}"; do script_of "$engine" >/dev/null || { echo "unknown engine: $engine" >&2; exit 2; }; done

take_lock
# only what is asked for now may stand there as skipped
{ grep -l '^{"skipped"' "$FACTS"/*.json 2>/dev/null || true; } | xargs -r rm -f

for engine in "${wanted[@]}"; do
  began=$SECONDS log="$LOGS/up-$engine.log"
  rm -f "$FACTS/$engine.json"
  # the lock must not be inherited: the daemons would hold it for ever
  if ! "$HERE/$(script_of "$engine")" up "$engine" >"$log" 2>&1 9>&-; then
    json_object skipped "start failed: $(grep -v '^[[:space:]]*$' "$log" | tail -n 1)" >"$FACTS/$engine.json"
  fi
  state=ready
  if grep -q '^{"skipped"' "$FACTS/$engine.json"; then
    state="SKIPPED, $(sed 's/^{"skipped": "\(.*\)"}$/\1/' "$FACTS/$engine.json")"
  elif grep -q '"foreign": true' "$FACTS/$engine.json"; then
    state="ready; not ours: used as it is, and never stopped by down.sh"
  fi
  say "$engine: $state ($((SECONDS - began)) s)"
done

write_engines_json
say "wrote $ENGINES_DIR/engines.json"
