import { randomBytes } from "node:crypto";
import { request } from "node:https";
import { gunzipSync, gzipSync } from "node:zlib";
import type { SandboxReply } from "proxmcp/testing";
import { accepted, Refusal } from "./answers.js";
import { imageOf, imageWithAlias, makeImage, type renderImage } from "./images.js";
import type { Task } from "./operations.js";
import { publishGuest } from "./publishing.js";
import type { Call } from "./router.js";
import { type Image, type Text, World } from "./world.js";

export interface ImageSource {
  readonly type?: string;
  readonly alias?: string;
  readonly fingerprint?: string;
  readonly server?: string;
  readonly protocol?: string;
  readonly certificate?: string;
  readonly secret?: string;
}

interface PostBody {
  readonly source?: ImageSource;
  readonly aliases?: readonly { readonly name: string }[];
  readonly auto_update?: boolean;
  readonly public?: boolean;
}

/** `POST /1.0/images`: a file, an image of an image server, or what becomes of an instance. */
export async function postImage(call: Call): Promise<SandboxReply> {
  const type = String(call.headers["content-type"]);
  if (type.startsWith("application/octet-stream")) return importImage(call, [Buffer.from(call.body)]);
  if (type.startsWith("multipart/form-data")) return importImage(call, await filesIn(call, type));
  const body = call.json<PostBody>();
  return body.source?.type === "image" ? pullImage(call, body) : publishGuest(call);
}

async function filesIn(call: Call, type: string): Promise<Buffer[]> {
  const form = await new Response(Uint8Array.from(call.body), { headers: { "content-type": type } }).formData();
  const files: Buffer[] = [];
  for (const [, value] of form) if (typeof value !== "string") files.push(Buffer.from(await value.arrayBuffer()));
  return files;
}

type Carried = Pick<Image, "fingerprint" | "type" | "architecture" | "size" | "properties" | "created_at">;

/** What the file of an image holds here: the facts about it. */
const contentOf = ({ fingerprint, type, architecture, size, properties, created_at }: Image): Buffer =>
  gzipSync(JSON.stringify({ fingerprint, type, architecture, size, properties, created_at } satisfies Carried));

function importImage(call: Call, files: readonly Buffer[]): SandboxReply {
  const { world } = call;
  const said = (name: string): string => String(call.headers[`x-${world.host.flavor}-${name}`] ?? "");
  return accepted(
    world.operations.start({
      description: "Downloading image",
      instances: [],
      taskError: call.taskError,
      async run(task) {
        const carried = carriedIn(files[0]);
        await task.pause(world.taskTime);
        task.report({ fingerprint: carried.fingerprint, size: String(carried.size) });
        if (world.images.some(({ fingerprint }) => fingerprint === carried.fingerprint))
          throw new Error("Image with same fingerprint already exists");
        const properties = { ...carried.properties, ...Object.fromEntries(new URLSearchParams(said("properties"))) };
        world.images.push(makeImage({ ...carried, properties, public: said("public") === "true", split: files.length > 1 }));
      },
    }),
  );
}

function carriedIn(file: Buffer | undefined): Carried {
  try {
    return JSON.parse(gunzipSync(file ?? Buffer.alloc(0)).toString()) as Carried;
  } catch {
    throw new Error("Unsupported compression");
  }
}

const PARTS = "4bc11b3237fe581d135f3224ccf3e2bc8dd7671322555bc936faffd93d7f";

/** `GET .../export`: the file itself, or a form with two. */
export function exportImage(call: Call): SandboxReply {
  const image = imageOf(call);
  const content = contentOf(image);
  const name = `${image.fingerprint}.tar.gz`;
  if (!image.split) {
    const headers = { "accept-ranges": "bytes", "content-disposition": `inline;filename=${name}`, "content-type": "application/octet-stream" };
    return { status: 200, headers: { ...headers, "content-length": String(content.length) }, body: new Uint8Array(content) };
  }
  const part = (field: string, filename: string, bytes: Buffer): Buffer => {
    const head = `Content-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    return Buffer.concat([Buffer.from(`--${PARTS}\r\n${head}`), bytes, Buffer.from("\r\n")]);
  };
  const body = [part("metadata", `meta-${name}`, content), part("rootfs", name, randomBytes(64)), Buffer.from(`--${PARTS}--\r\n`)];
  return { status: 200, headers: { "content-type": `multipart/form-data; boundary=${PARTS}` }, body: new Uint8Array(Buffer.concat(body)) };
}

/** `POST .../secret`: a word that lets a stranger have the image, as long as its operation lives. */
export function offerImage(call: Call): SandboxReply {
  const image = imageOf(call);
  const { world } = call;
  const secret = randomBytes(32).toString("hex");
  world.secrets.set(secret, image);
  return accepted(
    world.operations.start({
      description: "Image download token",
      class: "token",
      instances: [],
      images: [`/1.0/images/${image.fingerprint}`],
      mayCancel: true,
      metadata: () => ({ secret }),
      run: async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        world.secrets.delete(secret);
      },
    }),
  );
}

function pullImage(call: Call, { source = {}, aliases = [], auto_update = false, public: open = false }: PostBody): SandboxReply {
  const { world } = call;
  if (!source.server) throw new Refusal(400, "Missing server");
  return accepted(
    world.operations.start({
      description: "Downloading image",
      instances: [],
      taskError: call.taskError,
      async run(task) {
        const image = await remoteImage(world, source, "container", task, false);
        Object.assign(image, { auto_update, public: open });
        task.report({ fingerprint: image.fingerprint, size: String(image.size) });
        for (const { name } of aliases) {
          if (imageWithAlias(world, name)) throw new Error(`Alias already exists: ${name}`);
          image.aliases.push(name);
        }
      },
    }),
  );
}

/** What an image server has: another of these, or what the public ones would have, fetched in a few steps that report how far they are. */
export async function remoteImage(world: World, source: ImageSource, type: Image["type"], task: Task, cached = true): Promise<Image> {
  const far = source.protocol === "lxd" ? await farImage(source) : publicImage(world, source, type);
  for (const percent of [10, 55, 100]) {
    task.report({ download_progress: `rootfs: ${percent}% (11.20MB/s)` });
    await task.pause(world.taskTime);
  }
  const had = world.images.find(({ fingerprint }) => fingerprint === far.fingerprint);
  if (had) return had;
  const { server = "", alias = "", protocol = "simplestreams" } = source;
  const image = makeImage({ ...far, aliases: [], cached, update_source: { server, alias, protocol } });
  world.images.push(image);
  return image;
}

function publicImage(world: World, source: ImageSource, type: Image["type"]): Image {
  const [os, release] = /ubuntu/.test(source.server ?? "") ? ["Ubuntu", source.alias ?? ""] : (source.alias ?? "").split("/");
  const known = /^(22\.04|24\.04|jammy|noble|12|13|bookworm|trixie|3\.\d+|edge)$/.test(release ?? "");
  if (!os || !known) {
    throw new Error(
      `Failed getting remote image info: Failed getting image: The requested image couldn't be found for fingerprint "${source.alias}"`,
    );
  }
  const name = os.replace(/^./, (first) => first.toUpperCase());
  const properties: Text = { architecture: "arm64", os: name, release: release ?? "", description: `${os} ${release}` };
  const fingerprint = World.fingerprint(`${source.server} ${source.alias} ${type}`);
  return makeImage({ fingerprint, type, architecture: world.host.architecture, size: 180 * 1024 ** 2, properties, split: true });
}

/** Asks another server as a stranger does. */
async function farImage({ server = "", alias, fingerprint, certificate, secret }: ImageSource): Promise<Image> {
  const ask = async <Metadata>(path: string): Promise<Metadata> => {
    const { status, text } = await fetched(`${server}/1.0/images/${path}`, certificate);
    if (status !== 200) throw new Error("Failed getting remote image info: Image not found");
    return (JSON.parse(text) as { metadata: Metadata }).metadata;
  };
  const target = fingerprint ?? (await ask<{ target: string }>(`aliases/${encodeURIComponent(alias ?? "")}`)).target;
  const image = await ask<ReturnType<typeof renderImage>>(`${target}${secret ? `?secret=${secret}` : ""}`);
  const { aliases: _, update_source: __, ...rest } = image;
  return makeImage(rest);
}

function fetched(url: string, certificate: string | undefined): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...(certificate ? { ca: certificate } : {}), checkServerIdentity: () => undefined }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    const failed = (error: Error): void =>
      reject(new Error(`Failed to connect to LXD server "${new URL(url).origin}": Get "${new URL(url).origin}/1.0": ${wordsOf(error)}`));
    asked.on("error", failed).end();
  });
}

/** As Go says it. */
const wordsOf = ({ message }: Error): string =>
  /self.signed|unable to verify/i.test(message) ? "x509: certificate signed by unknown authority" : `dial tcp: ${message}`;
