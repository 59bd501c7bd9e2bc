import { isProxMcpError, type WebSocketStream } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { pathOf } from "./power.js";

/** A variable that a command and all it starts inherit, by which they are found again. */
export const MARK = "PROXMCP_EXEC";
/** Milliseconds that the killing may take. */
const PATIENCE = 10_000;

// The server passes a signal to the command only, and what the command has started lives on: a killed `sh -c "sleep 1000"` leaves the sleep.
// So all of them are looked for, by the mark in their environment and by their parents.
const SWEEP = `
round=3
while [ $round -gt 0 ]; do
  found=" " more=1
  while [ $more = 1 ]; do
    more=0
    for dir in /proc/[0-9]*; do
      pid=\${dir#/proc/}
      case "$found" in *" $pid "*) continue ;; esac
      parent=$(sed -n 's/^PPid:[^0-9]*//p' "$dir/status" 2>/dev/null)
      case "$found" in *" $parent "*) found="$found$pid " more=1; continue ;; esac
      if grep -q "$1" "$dir/environ" 2>/dev/null; then found="$found$pid " more=1; fi
    done
  done
  [ "$found" != " " ] || exit 0
  kill -9 $found 2>/dev/null
  round=$((round - 1))
done`;

/** Kills a command with all that it has started. Its own signal: whoever started it may be gone. */
export async function killCommand(client: LxdClient, instance: string, mark: string, control: WebSocketStream | undefined): Promise<void> {
  const ask = { doing: `kill the command in instance "${instance}"`, signal: AbortSignal.timeout(PATIENCE) };
  const body = {
    command: ["sh", "-c", SWEEP, "sh", `${MARK}=${mark}`],
    "wait-for-websocket": false,
    "record-output": false,
    interactive: false,
    user: 0,
  };
  try {
    await client.change("POST", `${pathOf(instance)}/exec`, body, ask);
  } catch (error) {
    // An instance without a shell, or one that has just stopped: the signal has to do.
    if (!isProxMcpError(error)) throw error;
  }
  try {
    control?.send(JSON.stringify({ command: "signal", signal: 9 }));
  } catch {
    // Closed, because the command is over.
  }
}
