import { badParameter, type Call, number, Part, Refusal, requireQuorum, type Routes, text } from "./calls.js";
import type { Row } from "./cluster.js";
import { collection, rowsOf } from "./collections.js";

/** A list of rules is numbered by place, and a new one goes first. */
export function ruleRoutes(path: string, one = `${path}/{pos}`): Routes {
  const rules = (call: Call): Row[] => rowsOf(call, { path, seed: () => [] });
  const the = (call: Call): Row => {
    const found = rules(call)[number(call, "pos", -1)];
    if (!found) throw new Refusal(500, `no rule at position ${text(call, "pos")}`);
    return found;
  };
  const shown = (row: Row, pos: number): Row => ({ ...row, pos });
  const given = (call: Call): Row => {
    const { node: _n, vmid: _v, pos: _p, moveto: _m, delete: _d, digest: _g, group: _r, ...rest } = call.parameters;
    return { ...rest, ...(rest.enable === undefined ? {} : { enable: Number(rest.enable === true || rest.enable === 1 || rest.enable === "1") }) };
  };
  return {
    [`GET ${path}`]: { run: (call) => rules(call).map(shown) },
    [`POST ${path}`]: {
      run: (call) => {
        requireQuorum(call);
        if (text(call, "macro") === "NoSuch") throw badParameter("macro", `unknown macro '${text(call, "macro")}'`);
        rules(call).unshift({ enable: 0, ...given(call) });
        return null;
      },
    },
    [`GET ${one}`]: { run: (call) => ({ ...the(call), pos: text(call, "pos") }) },
    [`PUT ${one}`]: {
      run: (call) => {
        const rule = the(call);
        const list = rules(call);
        if (call.parameters.moveto !== undefined) {
          const to = number(call, "moveto", 0);
          const from = list.indexOf(rule);
          list.splice(from, 1);
          list.splice(to > from ? to - 1 : to, 0, rule);
          return null;
        }
        for (const name of text(call, "delete").split(",")) delete rule[name];
        Object.assign(rule, given(call));
        return null;
      },
    },
    [`DELETE ${one}`]: {
      run: (call) => {
        const list = rules(call);
        list.splice(list.indexOf(the(call)), 1);
        return null;
      },
    },
  };
}

export function firewallRoutes(base: string): Routes {
  const options = (call: Call): Row =>
    rowsOf(call, { path: `${base}/options`, seed: () => [{ digest: "da39a3ee5e6b4b0d3255bfef95601890afd80709" }] })[0] ?? {};
  const set = `${base}/ipset/{name}`;
  const entries = (call: Call): Row[] => rowsOf(call, { path: set, seed: () => [] });
  const entry = (call: Call): Row => {
    const found = entries(call).find((row) => row.cidr === text(call, "cidr"));
    if (!found) throw new Refusal(500, `no such IP/Network '${text(call, "cidr")}'`);
    return found;
  };
  return {
    ...ruleRoutes(`${base}/rules`),
    [`GET ${base}/options`]: { run: options },
    [`PUT ${base}/options`]: {
      run: (call) => {
        const { node: _n, vmid: _v, delete: gone, digest: _d, ...rest } = call.parameters;
        for (const name of String(gone ?? "").split(",")) delete options(call)[name];
        Object.assign(
          options(call),
          Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, typeof value === "boolean" ? Number(value) : value])),
        );
        return null;
      },
    },
    [`GET ${base}/log`]: { run: () => new Part([{ n: 1, t: "0 6 PVEFW-HOST-IN 21/Nov/2026:00:00:01 policy DROP: IN=vmbr0" }], 1) },
    ...collection({
      path: `${base}/aliases`,
      key: "name",
      exists: (id) => `400:alias '${id}' already exists`,
      missing: (id) => `no such alias '${id}'`,
      seed: () => [],
    }),
    ...collection({
      path: `${base}/ipset`,
      key: "name",
      exists: (id) => `400:IPSet '${id}' already exists`,
      missing: (id) => `no such IPSet '${id}'`,
      seed: () => [],
      verbs: ["create", "delete"],
    }),
    [`GET ${set}`]: { run: entries },
    [`POST ${set}`]: {
      run: (call) => {
        const { cidr, comment, nomatch } = call.parameters;
        entries(call).push({ cidr, ...(comment === undefined ? {} : { comment }), ...(nomatch ? { nomatch: 1 } : {}) });
        return null;
      },
    },
    [`PUT ${set}/{cidr}`]: { run: (call) => void Object.assign(entry(call), { comment: text(call, "comment") }) },
    [`DELETE ${set}/{cidr}`]: {
      run: (call) => {
        entries(call).splice(entries(call).indexOf(entry(call)), 1);
        return null;
      },
    },
  };
}
