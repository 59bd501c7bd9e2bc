import { type CallArgs, ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import type { Config, WireInstance, WireNetwork } from "../wire.js";
import { memberName } from "./fields.js";
import { pathOf } from "./power.js";

type Args = Pick<CallArgs<LxdClient>, "client" | "signal" | "note" | "clock">;

/** Milliseconds between two looks. */
const PAUSE = 500;

/**
 * Waits until a started instance has an address, where its network should give one. It goes on without: a guest may be slow, or have its own
 * mind about addresses. An instance that stops meanwhile is an error.
 */
export async function awaitAddress(args: Args, name: string, seconds: number): Promise<void> {
  const { client, signal, note, clock } = args;
  const ask = { doing: `read instance "${name}"`, signal, query: { recursion: 1 } };
  const until = clock.now() + seconds * 1000;
  let expected: boolean | undefined;
  for (;;) {
    const wire = await client.get<WireInstance>(pathOf(name), ask);
    const status = wire.state?.status ?? wire.status;
    if (status === "Stopped" || status === "Error")
      throw new ProxMcpError("TASK_FAILED", `Instance "${name}" was created and started, and is ${status.toLowerCase()} again`, {
        next: `Its logs say why. Start instance "${name}" again, or delete it.`,
      });
    const interfaces = Object.entries(wire.state?.network ?? {}).filter(([device]) => device !== "lo");
    if (interfaces.some(([, { addresses }]) => addresses?.some(({ scope }) => scope === "global"))) return;
    expected ??= await givesAddress(args, wire);
    if (!expected) return;
    if (clock.now() >= until) {
      note(`Instance "${name}" runs, and has no address after ${seconds} s: it may still be starting.`);
      return;
    }
    await clock.sleep(PAUSE, signal);
  }
}

/** Whether one of its networks hands out addresses. Of a bridge that the server does not manage nobody knows, so it is waited for. */
async function givesAddress({ client, signal }: Args, wire: WireInstance): Promise<boolean> {
  const nics = Object.values(wire.expanded_devices ?? wire.devices).filter(({ type }) => type === "nic");
  const answers = await Promise.all(
    nics.map(async ({ network }) => {
      if (!network) return true;
      const path = `/1.0/networks/${encodeURIComponent(network)}`;
      const target = memberName(wire.location);
      const { config } = await client.get<WireNetwork>(path, { doing: `read network "${network}"`, signal, query: { target } });
      return (["ipv4", "ipv6"] as const).some((family) => handsOut(config, family));
    }),
  );
  return answers.some(Boolean);
}

const handsOut = (config: Config, family: "ipv4" | "ipv6"): boolean =>
  Boolean(config[`${family}.address`]) && config[`${family}.address`] !== "none" && config[`${family}.dhcp`] !== "false";
