/** Nothing here runs: `tsc --noEmit` holds each line to its type, and each `@ts-expect-error` to be an error. */
import { createProxMcp, type ProxMcp } from "proxmcp";
import { defineProvider } from "proxmcp/plugin";
import docker from "proxmcp/plugins/docker";
import lxd from "proxmcp/plugins/lxd";
import proxmox from "proxmcp/plugins/proxmox";
import { cartridges, Robot, trackKind } from "../fixtures/tape-library.js";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>(): void => {};

const tape = defineProvider({
  name: "tape",
  title: "Tape library",
  about: "A robot with tapes",
  connection: { noun: "library", schema: z.object({ room: z.string() }) },
  hosts: [],
  client: Robot,
  test: async () => ({ version: "1" }),
  kinds: [cartridges, trackKind],
});

// ---- results of plugin objects

const app = await createProxMcp({ plugins: [tape, docker, lxd, proxmox, "proxmcp-provider-pdu"] });

const listed = await app.call("tape_cartridge_list", { where: { state: ["worn"], capacity: { min: 1 } }, limit: 3, library: "main" });
holds<Equal<(typeof listed.items)[number]["state"], "shelved" | "loaded" | "worn">>();
holds<Equal<(typeof listed.items)[number]["used"], number | undefined>>();
holds<Equal<(typeof listed.items)[number]["library"], string | undefined>>();
holds<Equal<typeof listed.total, number>>();
const { item } = await app.call("tape_cartridge_get", { barcode: "T00001" });
holds<Equal<typeof item.generation, "lto8" | "lto9">>();
const { result } = await app.call("tape_cartridge_stats", { barcode: "T00001" });
holds<Equal<typeof result, { passes: number; at: number }>>();
const { deleted } = await app.call("tape_cartridge_delete", { barcode: "T00001", confirm: "token" });
holds<Equal<typeof deleted, boolean>>();
const loaded = await app.call("tape_cartridge_load", { barcode: "T00001", drive: 2 });
holds<Equal<NonNullable<typeof loaded.item>["mounts"], number>>();
await app.call("tape_track_list", { cartridge: "T00001" });
await app.call("tape_track_delete", { cartridge: "T00001", name: "track-1" });

// ---- what ships with the package

const { items: containers } = await app.call("docker_container_list", { where: { status: ["running"] } });
holds<Equal<(typeof containers)[number]["name"], string>>();
const { result: ran } = await app.call("docker_container_exec", { name: "web", command: ["ls"] });
holds<Equal<typeof ran.exit_code, number>>();
const { items: instances } = await app.call("lxd_instance_list");
holds<Equal<(typeof instances)[number]["type"], "container" | "virtual-machine" | undefined>>();
const { items: vms } = await app.call("proxmox_vm_list");
holds<Equal<(typeof vms)[number]["cluster"], string | undefined>>();

// ---- what is wrong

// @ts-expect-error -- a number
await app.call("tape_cartridge_load", { barcode: "T00001", drive: "two" });
// @ts-expect-error -- no such argument
await app.call("tape_cartridge_load", { barcode: "T00001", drve: 2 });
// @ts-expect-error -- no such field
await app.call("tape_cartridge_list", { where: { colour: "red" } });
// @ts-expect-error -- no such parameter: its connections are called libraries
await app.call("tape_cartridge_list", { host: "main" });
// @ts-expect-error -- no key
await app.call("tape_cartridge_get", {});
// @ts-expect-error -- no such field
void item.colour;

// ---- what nobody knows before it runs: aliases, plugins by name, the core's own tools

const unknown = await app.call("pdu_outlet_list", { anything: 1 });
holds<Equal<typeof unknown, Readonly<Record<string, unknown>>>>();
const plain = await createProxMcp({ plugins: ["docker"] });
holds<Equal<typeof plain, ProxMcp>>();
const some = await plain.call("docker_container_list", { whatever: true });
holds<Equal<typeof some, Readonly<Record<string, unknown>>>>();

// ---- an app of some plugins is an app

const takes = async (any: ProxMcp): Promise<void> => void (await any.call("x", { y: 1 }));
await takes(app);
