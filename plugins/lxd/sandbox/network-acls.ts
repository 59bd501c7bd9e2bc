import { Refusal, sync } from "./answers.js";
import { checkMatch, etagOf } from "./etag.js";
import { aclsOf } from "./networks.js";
import type { Call } from "./router.js";
import type { Acl, Rule } from "./network-state.js";
import type { Text, World } from "./world.js";

interface Body {
  readonly name?: string;
  readonly description?: string;
  readonly ingress?: readonly Rule[] | null;
  readonly egress?: readonly Rule[] | null;
  readonly config?: Text | null;
}

/** Networks, and instances and profiles through their interfaces. */
function usersOf(world: World, name: string): string[] {
  const networks = [...world.networks.values()]
    .filter(({ config }) => aclsOf(config).includes(name))
    .map((network) => `/1.0/networks/${network.name}`);
  return [...networks, ...world.usersOf(({ devices }) => Object.values(devices).some((device) => aclsOf(device).includes(name)))];
}

const render = (world: World, acl: Acl) => ({ ...acl, used_by: usersOf(world, acl.name) });
const changeable = ({ name, ...acl }: Acl) => [name, acl];

function aclOf(call: Call): Acl {
  const found = call.world.acls.get(call.names[0] ?? "");
  if (!found) throw new Refusal(404, "Network ACL not found");
  return found;
}

export function listAcls(call: Call) {
  const all = [...call.world.acls.values()];
  return sync(
    Number(call.query.get("recursion") ?? 0) > 0 ? all.map((acl) => render(call.world, acl)) : all.map(({ name }) => `/1.0/network-acls/${name}`),
  );
}

export function showAcl(call: Call) {
  const acl = aclOf(call);
  return sync(render(call.world, acl), { etag: `"${etagOf(changeable(acl))}"` });
}

function checkName(name: string): void {
  if (!name) throw new Refusal(500, "Name is required");
  if (/^\d/.test(name)) throw new Refusal(500, "Name must not start with a number");
  if (!/^[a-zA-Z0-9-]+$/.test(name)) throw new Refusal(500, "Name can only contain alphanumeric and hyphen characters");
}

/** What is wrong with rules, in the server's words. */
function checkRules(direction: "ingress" | "egress", rules: readonly Rule[]): void {
  for (const [at, rule] of rules.entries()) {
    const wrong = (why: string): never => {
      throw new Refusal(500, `Invalid ${direction} rule ${at}: ${why}`);
    };
    if (!["allow", "drop", "reject"].includes(rule["action"] ?? "")) wrong("Action must be one of: allow, drop, reject");
    if (!["enabled", "disabled", "logged"].includes(rule["state"] ?? "")) wrong("State must be one of: enabled, disabled, logged");
    for (const [key, title] of [
      ["source", "Source"],
      ["destination", "Destination"],
    ] as const) {
      for (const subject of (rule[key] ?? "").split(",").filter(Boolean)) {
        const [, bits] = subject.split("/");
        if (!/^[@#$0-9a-zA-Z.:/_-]+$/.test(subject) || Number(bits) > 128 || (!subject.includes(":") && Number(bits) > 32)) {
          wrong(`Invalid ${title}: Invalid subject "${subject}"`);
        }
      }
      const ports = rule[`${key}_port`];
      if (!ports) continue;
      if (!["tcp", "udp"].includes(rule["protocol"] ?? "")) wrong(`${title} port cannot be used without specifying protocol`);
      for (const port of ports.split(/[,-]/))
        if (!/^\d{1,5}$/.test(port.trim())) wrong(`Invalid ${title} port: Invalid port number "${port.trim()}"`);
    }
  }
}

/** `POST /1.0/network-acls`. */
export function createAcl(call: Call) {
  const { world } = call;
  const { name = "", description = "", ingress, egress, config } = call.json<Body>();
  if (world.acls.has(name)) throw new Refusal(400, "The network ACL already exists");
  checkName(name);
  checkRules("ingress", ingress ?? []);
  checkRules("egress", egress ?? []);
  world.acls.set(name, { name, description, ingress: ingress ?? [], egress: egress ?? [], config: config ?? {} });
  return sync(null);
}

/** `PUT` and `PATCH /1.0/network-acls/{name}`: both replace all that there is of it, but that PATCH merges the keys of its configuration. */
export function changeAcl(call: Call) {
  const acl = aclOf(call);
  checkMatch(call, changeable(acl));
  const { description = "", ingress, egress, config } = call.json<Body>();
  checkRules("ingress", ingress ?? []);
  checkRules("egress", egress ?? []);
  Object.assign(acl, {
    description,
    ingress: ingress ?? [],
    egress: egress ?? [],
    config: call.method === "PATCH" ? { ...acl.config, ...config } : (config ?? {}),
  });
  return sync(null);
}

/** `POST /1.0/network-acls/{name}`. */
export function renameAcl(call: Call) {
  const { world } = call;
  const acl = aclOf(call);
  const { name = "" } = call.json<Body>();
  if (world.acls.has(name)) throw new Refusal(500, "An ACL by that name exists already");
  checkName(name);
  if (usersOf(world, acl.name).length) throw new Refusal(500, "Cannot rename an ACL that is in use");
  world.acls.delete(acl.name);
  world.acls.set(name, { ...acl, name });
  return sync(null);
}

export function deleteAcl(call: Call) {
  const { world } = call;
  const acl = aclOf(call);
  if (usersOf(world, acl.name).length) throw new Refusal(500, "Cannot delete an ACL that is in use");
  world.acls.delete(acl.name);
  return sync(null);
}
