import { configFault, deviceFault } from "./rules.js";
import type { Guest, World } from "./world.js";

/** What keeps an instance from being made, in the server's words. */
export function createFault(world: World, name: string, guest: Pick<Guest, "config" | "devices" | "profiles">): string | undefined {
  const wrong = configFault(guest.config);
  if (wrong) return wrong;
  if (world.guests.has(name)) return 'Add instance info to the database: This "instances" entry already exists';
  const device = deviceFault(world, guest.devices);
  if (device) return `Failed initialising instance: Invalid devices: ${device}`;
  const root = Object.values(world.expanded(guest).devices).find(({ type, path }) => type === "disk" && path === "/");
  if (!root) return "Failed initialising instance: Failed getting root disk: No root device could be found";
  return world.pools.has(root.pool ?? "") ? undefined : "Failed initialising instance: Failed loading storage pool: Storage pool not found";
}
