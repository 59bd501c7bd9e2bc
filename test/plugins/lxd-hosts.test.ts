import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Estate, start } from "../../plugins/lxd/sandbox/index.js";
import { hostsScenario } from "../conformance/lxd-hosts.js";

const pair = async (first: Estate, second: Estate, sockets = false) => {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-hosts-"));
  const [one, two] = await Promise.all(
    [first, second].map((estate, at) => start({ estate, taskTime: 5, ...(sockets ? { socket: join(folder, `${at}.socket`) } : {}) })),
  );
  if (!one || !two) throw new Error("no sandboxes");
  return {
    connections: { one: one.connection, two: two.connection },
    close: async () => void (await Promise.all([one.close(), two.close()])),
  };
};

hostsScenario("LXD sandboxes over https", () => pair({}, {}), { image: "alpine/3.20", roads: ["pull", "push", "relay", "auto"] });
hostsScenario("Incus sandboxes over https", () => pair({ flavor: "incus" }, { flavor: "incus" }), { image: "alpine/3.20", roads: ["pull", "auto"] });
hostsScenario("sandboxes that listen on a socket only", () => pair({}, {}, true), { image: "alpine/3.20", roads: ["relay", "auto"] });
