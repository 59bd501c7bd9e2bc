import { readFileSync } from "node:fs";
import { createProxMcp } from "proxmcp";
import type { Row } from "../conformance.js";
import type { Engines } from "./engines.js";

/** A second LXD as an image server: a public image on it, made when it is first asked for, and how `image_pull` gets it. */
export function imageServer({ socket, url, serverCert, image }: Engines["lxd2"]) {
  const name = `conf-source-${process.pid}-${Date.now()}`;
  let made: Promise<Row> | undefined;
  const on = async (work: (call: (tool: string, args: Row) => Promise<Row>) => Promise<void>): Promise<void> => {
    const app = await createProxMcp({ plugins: ["lxd"], connections: { source: { provider: "lxd", socket } }, log: { level: "silent" } });
    try {
      await work(async (tool, args) => await app.call(`lxd_${tool}`, args, { confirm: true }));
    } finally {
      await app.close();
    }
  };
  return {
    remote: (): Promise<Row> =>
      (made ??= on(async (call) => {
        await call("instance_create", { name, image, start: false, config: { "user.made": String(Date.now()) } });
        await call("instance_files_write", { name, path: "/tmp/unique", content: name });
        await call("instance_publish", { name, aliases: [name], public: true });
        await call("instance_delete", { name });
      }).then(() => ({ image: name, image_server: url, protocol: "lxd", certificate: readFileSync(serverCert, "utf8") }))),
    close: async (): Promise<void> => {
      if (await made?.catch(() => undefined)) await on(async (call) => void (await call("image_delete", { name })));
    },
  };
}
