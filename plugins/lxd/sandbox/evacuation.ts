import { accepted, Refusal } from "./answers.js";
import type { Call } from "./router.js";
import { refuseAway } from "./spread.js";

/** `POST /1.0/cluster/members/{name}/state`: takes a member out of service, or back. Doing either twice is no fault. */
export function changeMember(call: Call) {
  const { world } = call;
  const member = call.names[0] ?? "";
  refuseAway(world, member);
  if (!world.host.members.includes(member)) throw new Refusal(404, "Cluster member not found");
  const { action } = call.json<{ action?: string }>();
  if (action !== "evacuate" && action !== "restore") throw new Refusal(400, `Unknown action "${action}"`);
  const others = world.host.members.filter((one) => one !== member && !one.startsWith("!") && !world.evacuated.has(one));
  return accepted(
    world.operations.start({
      description: action === "evacuate" ? "Evacuating cluster member" : "Restoring cluster member",
      instances: [],
      taskError: call.taskError,
      async run(task) {
        await task.pause(world.taskTime);
        if (action === "evacuate") {
          const here = [...world.guests.values()].filter(({ location }) => location === member);
          for (const [at, guest] of here.entries()) guest.location = others[at % others.length] ?? member;
          world.evacuated.set(member, [...(world.evacuated.get(member) ?? []), ...here.map(({ name }) => name)]);
          return;
        }
        for (const name of world.evacuated.get(member) ?? []) {
          const guest = world.guests.get(name);
          if (guest) guest.location = member;
        }
        world.evacuated.delete(member);
      },
    }),
  );
}
