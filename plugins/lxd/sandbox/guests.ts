import { Refusal } from "./answers.js";
import type { Call } from "./router.js";
import { refuseAway } from "./spread.js";
import type { Guest } from "./world.js";

/** The instance that the path names. */
export function guestOf(call: Call): Guest {
  const guest = call.world.guests.get(call.names[0] ?? "");
  if (!guest) throw new Refusal(404, "Instance not found");
  refuseAway(call.world, guest.location);
  return guest;
}

/** One operation at a time: what the server says while another is not over. */
export function refuseBusy(guest: Guest, action: string): void {
  if (guest.busy) throw new Error(`Failed to create instance ${action} operation: Instance is busy running a "${guest.busy}" operation`);
}
