import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { Readable } from "node:stream";
import type { Pack } from "tar-stream";
import { type CallArgs, ProxMcpError } from "proxmcp/plugin";
import type { DockerClient } from "./client.js";
import { engineError } from "./errors.js";
import { Tail } from "./output.js";
import { fullReference, jsonLines } from "./pull.js";
import { buildAuthHeader, registryOf } from "./registry-auth.js";
import { shortId } from "./words.js";

export interface BuildOptions {
  readonly image: string;
  /** Folder on the machine that ProxMCP runs on. */
  readonly context?: string | undefined;
  /** The text of a Dockerfile. */
  readonly dockerfile?: string | undefined;
  /** The Dockerfile's path in the context. */
  readonly file?: string | undefined;
  readonly files?: Readonly<Record<string, string>> | undefined;
  readonly args?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly target?: string | undefined;
  readonly platform?: string | undefined;
  readonly cache: boolean;
  readonly pull: boolean;
}

const INLINE = ".proxmcp.Dockerfile";
const LOG_BYTES = 16_000;
const MAX_FILES = 100_000;

interface BuildLine {
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
  readonly aux?: { readonly ID?: string };
}

/** Builds an image: POST /build, with the context as an archive that is made while it is sent. */
export async function buildImage(
  client: DockerClient,
  options: BuildOptions,
  { signal, progress }: Pick<CallArgs<unknown>, "signal" | "progress">,
): Promise<{ image: string; id: string; log: string; truncated: boolean }> {
  const { context, dockerfile, file = "Dockerfile", files = {} } = options;
  if (context === undefined && dockerfile === undefined) throw invalid("context", "give a folder as context, the text of a dockerfile, or both");
  if (context !== undefined && !(await isFolder(context))) throw invalid("context", `"${context}" is no folder on the machine that ProxMCP runs on`);
  const recipe = dockerfile ?? (await readRecipe(join(context ?? "", file)));
  const image = fullReference(options.image);
  const ask = {
    what: `build image "${image}"`,
    method: "POST",
    path: "/build",
    ...(options.platform ? { since: "1.32" } : {}),
    query: queryOf(options, image, dockerfile === undefined ? file : INLINE),
    headers: { "content-type": "application/x-tar", ...(await buildAuthHeader(client, basesOf(recipe).map(registryOf), signal)) },
    signal,
  } as const;
  const said = new Tail(LOG_BYTES);
  let id = "";
  const inline = { ...files, ...(dockerfile === undefined ? {} : { [INLINE]: dockerfile }) };
  const body = await packContext(context, file, inline);
  let steps = 0;
  for await (const line of jsonLines<BuildLine>(client.stream({ ...ask, body }))) {
    const failure = line.errorDetail?.message ?? line.error;
    const log = said.passages().map(({ text }) => text);
    if (failure) {
      const error = engineError(ask.what, 200, failure, "POST /build");
      throw new ProxMcpError(error.code, error.message, { ...error.details, data: { log: log.join("") } });
    }
    id = line.aux?.ID ?? id;
    const text = line.stream ?? (line.status ? `${line.status}\n` : "");
    said.push("stdout", Buffer.from(text));
    const [, step, total] = /^Step (\d+)\/(\d+)/.exec(text) ?? [];
    if (Number(step) > steps) progress({ progress: (steps = Number(step)), total: Number(total), message: text.trim().slice(0, 200) });
  }
  if (!id) throw new ProxMcpError("TASK_FAILED", `Unable to ${ask.what}: the engine stopped before it had finished.`, { tried: ["POST /build"] });
  return {
    image,
    id: shortId(id),
    log: said
      .passages()
      .map(({ text }) => text)
      .join(""),
    truncated: said.truncated,
  };
}

const invalid = (field: string, message: string): ProxMcpError => new ProxMcpError("INVALID_INPUT", message, { data: { field } });

const queryOf = ({ args, labels, target, platform, cache, pull }: BuildOptions, image: string, dockerfile: string) => ({
  t: image,
  dockerfile,
  rm: true,
  forcerm: true, // after a failure as well
  ...(args ? { buildargs: JSON.stringify(args) } : {}),
  ...(labels ? { labels: JSON.stringify(labels) } : {}),
  target,
  platform,
  ...(cache ? {} : { nocache: true }),
  ...(pull ? { pull: true } : {}),
});

const isFolder = async (path: string): Promise<boolean> => isAbsolute(path) && (await stat(path).catch(() => undefined))?.isDirectory() === true;

async function readRecipe(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw invalid("file", `there is no Dockerfile at ${path}`);
  }
}

/** The images that a Dockerfile begins from. */
export const basesOf = (recipe: string): string[] =>
  [...recipe.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim)].map(([, base = ""]) => base).filter((base) => base !== "scratch" && !base.includes("$"));

/** The archive of a folder without what its .dockerignore names, and of files that are given by their text. */
export async function packContext(folder: string | undefined, dockerfile: string, inline: Readonly<Record<string, string>>): Promise<Readable> {
  const { pack } = await import("tar-stream");
  const archive = pack();
  const fill = async (): Promise<void> => {
    if (folder !== undefined) {
      const ignore = await readFile(join(folder, ".dockerignore"), "utf8").catch(() => "");
      await packFolder(archive, folder, ignores(ignore, [dockerfile, ".dockerignore"]));
    }
    for (const [name, text] of Object.entries(inline)) archive.entry({ name: insideOnly(name), mode: 0o644 }, text);
    archive.finalize();
  };
  void fill().catch((error: unknown) => archive.destroy(error as Error));
  return Readable.from(archive as AsyncIterable<Uint8Array>);
}

function insideOnly(name: string): string {
  if (isAbsolute(name) || name.split("/").includes("..")) throw invalid("files", `"${name}" is outside of the context`);
  return name;
}

async function packFolder(archive: Pack, folder: string, ignored: (path: string) => boolean): Promise<void> {
  const waiting = [""];
  let count = 0;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const { name } of await readdir(join(folder, at), { withFileTypes: true })) {
      const path = at === "" ? name : `${at}/${name}`;
      const full = join(folder, path);
      const found = await lstat(full);
      // A folder is looked into even if it is ignored: a later line of the file may take something in it back.
      if (found.isDirectory()) waiting.push(path);
      if (ignored(path)) continue;
      if ((count += 1) > MAX_FILES) throw invalid("context", `"${folder}" holds more than ${MAX_FILES} files`);
      const header = { name: path, mode: found.mode & 0o7777, mtime: found.mtime };
      if (found.isDirectory()) archive.entry({ ...header, type: "directory" });
      else if (found.isSymbolicLink()) archive.entry({ ...header, type: "symlink", linkname: await readlink(full) });
      else if (found.isFile()) await packFile(archive, { ...header, size: found.size }, full);
    }
  }
}

async function packFile(archive: Pack, header: { name: string; mode: number; size: number }, path: string): Promise<void> {
  if (header.size === 0) return void archive.entry(header, "");
  await new Promise<void>((resolve, reject) => {
    const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
    const file = createReadStream(path, { end: header.size - 1 }); // it may be growing
    file.on("error", (error) => entry.destroy(error));
    file.on("data", (chunk) => {
      if (entry.write(chunk as Buffer)) return;
      file.pause();
      entry.once("drain", () => file.resume());
    });
    file.on("end", () => entry.end(new Uint8Array()));
  });
}

/** What a .dockerignore leaves out. The last line that fits decides; `!` takes back. */
export function ignores(text: string, never: readonly string[]): (path: string) => boolean {
  const rules = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ out: !line.startsWith("!"), pattern: patternOf(line.replace(/^!/, "").trim()) }));
  return (path) => !never.includes(path) && rules.reduce((out, rule) => (rule.pattern.test(path) ? rule.out : out), false);
}

/** Go's patterns: `*` and `?` within one name, `**` over any number of folders. What is in a folder that fits, fits. */
function patternOf(line: string): RegExp {
  const plain = line.replace(/^(\.?\/)+/, "").replace(/\/+$/, "");
  const source = plain.replace(/\*\*\/|\*\*|\*|\?|\[[^\]]*\]|[\\^$.+()|{}[\]]/g, (sign) => {
    if (sign === "**/") return "(?:.*/)?";
    if (sign === "**") return ".*";
    if (sign === "*") return "[^/]*";
    if (sign === "?") return "[^/]";
    return sign.length > 1 ? sign : `\\${sign}`;
  });
  return new RegExp(`^${source}(?:/.*)?$`);
}
