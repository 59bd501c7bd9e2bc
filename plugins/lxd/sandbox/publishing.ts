import type { SandboxReply } from "proxmcp/testing";
import { accepted, Refusal } from "./answers.js";
import { makeImage } from "./images.js";
import type { Call } from "./router.js";
import { type Text, World } from "./world.js";

interface PublishBody {
  readonly source?: { readonly type?: string; readonly name?: string };
  readonly aliases?: readonly { readonly name: string }[];
  readonly properties?: Text;
  readonly public?: boolean;
  readonly expires_at?: string;
}

/** `POST /1.0/images` with an instance or a snapshot as its source. */
export function publishGuest(call: Call): SandboxReply {
  const { world } = call;
  const { source = {}, aliases = [], properties = {}, public: open = false, expires_at: expires } = call.json<PublishBody>();
  const [name = "", snapshot] = (source.name ?? "").split("/");
  const guest = world.guests.get(name);
  if (!guest || (snapshot !== undefined && !guest.snapshots.some((one) => one.name === snapshot))) throw new Refusal(404, "Instance not found");
  return accepted(
    world.operations.start({
      description: "Downloading image",
      instances: [],
      taskError: call.taskError,
      async run(task) {
        if (snapshot === undefined && guest.status !== "Stopped") throw new Error("Cannot export a running instance as an image");
        await task.pause(world.taskTime);
        const now = new Date().toISOString();
        const fingerprint = World.fingerprint(`${name} ${snapshot ?? ""} ${now}`);
        const from = Object.entries(guest.config).flatMap(([key, value]) => (key.startsWith("image.") ? [[key.slice(6), value]] : []));
        const image = makeImage({
          fingerprint,
          type: guest.type,
          architecture: guest.architecture,
          size: guest.diskUsage,
          properties: { ...Object.fromEntries(from), ...properties } as Text,
          public: open,
          ...(expires ? { expires_at: expires } : {}),
        });
        world.images.push(image);
        task.report({ fingerprint, size: String(image.size) });
        // The image stays behind, as on the real server.
        for (const { name: alias } of aliases) {
          if (world.images.some((one) => one.aliases.includes(alias))) throw new Error(`Alias already exists: ${alias}`);
          image.aliases.push(alias);
        }
      },
    }),
  );
}
