import { Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import type { Warning } from "./world.js";

const render = (warning: Warning) => ({ ...warning, location: "none", project: "", entity_url: "" });

function warningOf({ world, names }: Call): Warning {
  const found = world.warnings.find(({ uuid }) => uuid === names[0]);
  if (!found) throw new Refusal(404, "Warning not found");
  return found;
}

export const listWarnings = ({ world, query }: Call) =>
  sync(query.get("recursion") ? world.warnings.map(render) : world.warnings.map(({ uuid }) => `/1.0/warnings/${uuid}`));

export const showWarning = (call: Call) => sync(render(warningOf(call)));

/** That there is no such warning is not noticed. */
export function changeWarning(call: Call) {
  const warning = call.world.warnings.find(({ uuid }) => uuid === call.names[0]);
  const { status = "" } = call.json<{ status?: string }>();
  if (status !== "new" && status !== "acknowledged") throw new Refusal(400, `Invalid warning type "${status}"`);
  if (warning) warning.status = status;
  return sync({});
}

export function deleteWarning(call: Call) {
  const warning = warningOf(call);
  call.world.warnings = call.world.warnings.filter((one) => one !== warning);
  return sync({});
}
