import type { CallArgs } from "proxmcp/plugin";
import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import type { WireInstance, WireState } from "../wire.js";

type Args = Pick<CallArgs<LxdClient>, "client" | "signal" | "progress" | "note">;

export const pathOf = (name: string): string => `/1.0/instances/${encodeURIComponent(name)}`;

/** Seconds that a graceful stop gets when the caller names none. */
export const STOP_TIMEOUT = 30;

interface Change {
  readonly action: "start" | "stop" | "restart" | "freeze" | "unfreeze";
  readonly force?: boolean | undefined;
  readonly timeout?: number | undefined;
}

const WORDS = { start: "start", stop: "stop", restart: "restart", freeze: "pause", unfreeze: "resume" } as const;
/** The state in which there is nothing left to do. A restart always has something to do. */
const REACHED: Readonly<Record<string, string>> = { start: "Running", stop: "Stopped", freeze: "Frozen", unfreeze: "Running" };

/** Changes the state of an instance: `PUT /1.0/instances/{name}/state`. Being in that state already is success, with a note. */
export async function changeState({ client, signal, progress, note }: Args, name: string, change: Change): Promise<void> {
  const { action, force = false, timeout = STOP_TIMEOUT } = change;
  const ask = { doing: `${WORDS[action]} instance "${name}"`, signal, progress };
  try {
    await client.change("PUT", `${pathOf(name)}/state`, { action, force, timeout }, ask);
  } catch (error) {
    if (!isProxMcpError(error)) throw error;
    if (error.code === "WRONG_STATE" && REACHED[action]) {
      // The refusal names a state that may be over by now, so the instance is asked.
      const { status } = await client.get<WireState>(`${pathOf(name)}/state`, { ...ask, doing: `read the state of instance "${name}"` });
      if (status === REACHED[action] || (action !== "stop" && status === "Ready")) {
        note(`Instance "${name}" was ${status.toLowerCase()} already.`);
        return;
      }
      if (action === "start" && status === "Frozen") {
        throw new ProxMcpError("WRONG_STATE", `Unable to start instance "${name}": it is frozen`, { ...error.details, next: "Resume it instead." });
      }
    }
    if (!force && (action === "stop" || action === "restart") && error.code === "TASK_FAILED") {
      throw new ProxMcpError("TASK_FAILED", `${error.message} (it was given ${timeout} s to shut down)`, {
        ...error.details,
        next: `The request to shut down stands, so it may still follow it. Look again, allow a longer \`timeout\`, or ${action} it with \`force\`.`,
      });
    }
    throw error;
  }
}

/** Deletes an instance with its snapshots: `DELETE /1.0/instances/{name}`. A running one is stopped first if `force` says so. */
export async function deleteInstance(args: Args, name: string, force: boolean): Promise<void> {
  const { client, signal, progress } = args;
  const ask = { doing: `delete instance "${name}"`, signal, progress };
  try {
    await client.change("DELETE", pathOf(name), undefined, ask);
    return;
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "WRONG_STATE") throw error;
    if (!force) throw new ProxMcpError("WRONG_STATE", error.message, { ...error.details, next: "Stop it first, or delete it with `force`." });
  }
  const { ephemeral } = await client.get<WireInstance>(pathOf(name), ask);
  await changeState({ ...args, note: () => {} }, name, { action: "stop", force: true });
  try {
    await client.change("DELETE", pathOf(name), undefined, ask);
  } catch (error) {
    // An ephemeral instance is gone with its stop.
    if (!(ephemeral && isProxMcpError(error) && error.code === "NOT_FOUND")) throw error;
  }
}
