import { facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { facts, kernelFacts, machines } from "../host/facts.js";
import { TestedRoads, testRoads } from "../host/roads.js";

const { kind, read, write } = forClient<LxdClient>();

const bytes = (about: string, says: readonly string[] = []) => facet(z.int(), about, { unit: "bytes", says });

const Host = z.object({
  name: facet(z.string(), "Its name for itself"),
  status: facet(z.enum(["online", "offline"]), "Whether it answers", { values: { online: ["up"], offline: ["down", "unreachable"] } }),
  model: facet(z.string(), "What machine it is, such as Raspberry Pi 5", { says: ["hardware"] }).optional(),
  arch: facet(z.string(), "Processor architecture", { says: ["architecture"] }).optional(),
  cpu: facet(z.int(), "Threads of its processors", { unit: "cores", says: ["cores", "cpus"] }).optional(),
  cpu_model: facet(z.string(), "Its processor", { says: ["processor"] }).optional(),
  // Older servers don't tell it; then the kernel does, of one host at a time.
  load: facet(z.number(), "Processes that wanted to run, over the last minute", { detail: true, says: ["load average"] }).optional(),
  memory: bytes("Memory", ["ram"]).optional(),
  memory_used: bytes("Memory in use", ["used memory", "used ram"]).optional(),
  disk: bytes("All its disks together", ["storage"]).optional(),
  disks: z
    .array(
      z.object({
        name: z.string(),
        model: z.string().optional(),
        type: z.string().optional(),
        size: z.int(),
        removable: z.boolean().optional(),
      }),
    )
    .optional(),
  gpus: facet(z.array(z.string()), "Graphics cards", { says: ["gpu", "graphics card"] }).optional(),
  temperature: facet(z.number(), "Hottest sensor; known over a local socket or SSH", { unit: "celsius", detail: true, says: ["heat"] }).optional(),
  uptime: facet(z.int(), "Since it was started", { unit: "seconds", detail: true }).optional(),
  version: facet(z.string(), "LXD or Incus, and which").optional(),
  os: facet(z.string(), "Operating system", { says: ["distribution"] }).optional(),
  kernel: facet(z.string(), "Kernel version").optional(),
  addresses: facet(z.array(z.string()), "Where its API listens").optional(),
});

export const hosts = kind({
  name: "host",
  about: "A machine that LXD or Incus runs on: what it has and what of it is in use",
  says: ["lxd host", "incus host", "container host", "pi"],
  item: Host,
  key: "name",
  aliases: { list: ["lxd_list_hosts", "list_lxd_hosts"], get: ["lxd_get_host_resources", "lxd_host_info"] },

  async list({ client, signal }) {
    const { server, machines: all } = await machines({ client, signal });
    const rows = await Promise.all(
      all.map(async (machine) => {
        if (!machine.online) return { name: machine.name, status: "offline" as const, ...(machine.arch ? { arch: machine.arch } : {}) };
        try {
          return await facts({ client, signal }, machine, server);
        } catch (error) {
          // A member that went away since is as good as offline; the others are told all the same.
          if (!machine.target || signal.aborted || !isProxMcpError(error)) throw error;
          return { name: machine.name, status: "offline" as const, error: { ...error.report(), source: machine.name } };
        }
      }),
    );
    return {
      items: rows.map((row) => ("error" in row ? { name: row.name, status: row.status } : row)),
      errors: rows.flatMap((row) => ("error" in row ? [row.error] : [])),
    };
  },

  async get({ client, key, signal }) {
    const { server, machines: all } = await machines({ client, signal });
    const machine = all.find(({ name }) => name === key);
    if (!machine) throw new ProxMcpError("NOT_FOUND", `There is no host "${key}". There is: ${all.map(({ name }) => name).join(", ")}.`);
    if (!machine.online) return { name: machine.name, status: "offline" as const, ...(machine.arch ? { arch: machine.arch } : {}) };
    const [known, kernel] = await Promise.all([facts({ client, signal }, machine, server), machine.here ? kernelFacts({ client, signal }) : {}]);
    return { ...kernel, ...known };
  },

  actions: {
    test: read({
      about: "Try every road to a host (socket, https, SSH, its command): which works, and why the others do not",
      on: "kind",
      aliases: ["test_lxd_connection", "lxd_test_connection"],
      output: TestedRoads,
      run: async (args) => await testRoads(args),
    }),
    enrol: write({
      about:
        "Have a host trust the client certificate of its connection, by a trust token that `lxc config trust add` or `incus config trust add` printed there, or by an older LXD's trust password",
      on: "kind",
      aliases: ["lxd_trust_add"],
      idempotent: true,
      input: {
        token: z.string().optional().describe("Trust token; it works once"),
        password: z.string().optional().describe("Trust password of an older LXD"),
      },
      output: z.object({ trusted: z.boolean(), enrolled: z.boolean(), version: z.string() }),
      run: async ({ client, input, signal }) => {
        const { token, password } = input;
        if ((token === undefined) === (password === undefined)) throw new ProxMcpError("INVALID_INPUT", "Give either `token` or `password`.");
        const enrolled = await client.way.enrol(token === undefined ? { password: password ?? "" } : { token }, signal);
        const { environment } = await client.freshServer(signal);
        return { trusted: true, enrolled, version: `${environment?.server === "incus" ? "Incus" : "LXD"} ${environment?.server_version}` };
      },
    }),
  },
});
