import type { SandboxReply } from "proxmcp/testing";
import { unpacked } from "./files.js";
import { line } from "./image-store.js";
import { nameImage } from "./operations.js";
import type { Context } from "./request.js";
import { checkReference, idOf, type Image, newId, type State } from "./state.js";
import { Refusal, streamed } from "./wire.js";

interface Stage {
  readonly base: Image | undefined;
  readonly labels: Record<string, string>;
  command: readonly string[];
  size: number;
}

/** POST /build, as the classic builder words it: each instruction is a step, and the failing one ends the stream with an error. */
export async function build({ state, call, taskTime }: Context): Promise<SandboxReply> {
  const { query } = call;
  for (const name of query.getAll("t")) checkReference(name, 500);
  const files = new Map((await unpacked(call.body)).map(({ header, content }) => [header.name.replace(/\/$/, ""), content]));
  const recipe = files.get(query.get("dockerfile") || "Dockerfile");
  if (!recipe) throw new Refusal(500, `Cannot locate specified Dockerfile: ${query.get("dockerfile") || "Dockerfile"}`);
  const steps = recipe
    .toString("utf8")
    .replace(/\\\n/g, "")
    .split("\n")
    .map((text) => text.trim())
    .filter((text) => text !== "" && !text.startsWith("#"));
  if (steps.length === 0) throw new Refusal(400, "the Dockerfile (Dockerfile) cannot be empty");
  return streamed(run(state, steps, files, query, taskTime, call.taskError), "application/json");
}

async function* run(
  state: State,
  steps: readonly string[],
  files: ReadonlyMap<string, Buffer>,
  query: URLSearchParams,
  taskTime: number,
  taskError: string | undefined,
): AsyncGenerator<string> {
  const say = (text: string): string => line({ stream: text });
  let stage: Stage | undefined;
  for (const [at, step] of steps.entries()) {
    await new Promise((done) => setTimeout(done, taskTime / steps.length));
    yield say(`Step ${at + 1}/${steps.length} : ${step}`);
    yield say("\n");
    const failure = taskError && at === steps.length - 1 ? { message: taskError } : perform(state, step, files, (next) => (stage = next), stage);
    if (failure) return yield line({ errorDetail: failure, error: failure.message });
    yield say(` ---> ${idOf(`${step} ${at}`).slice(0, 12)}\n`);
  }
  const id = newId();
  const { base, labels = {}, command = [], size = 0 } = stage ?? {};
  const image: Image = {
    ...{ id, references: [], digests: [], size: (base?.size ?? 0) + size, created: Date.now() },
    labels: { ...base?.labels, ...labels, ...(JSON.parse(query.get("labels") ?? "{}") as Record<string, string>) },
    command,
    layers: [...(base?.layers ?? []), { id: id.slice(0, 12), size }],
  };
  state.images.push(image);
  yield line({ aux: { ID: `sha256:${id}` } });
  yield say(`Successfully built ${id.slice(0, 12)}\n`);
  for (const name of query.getAll("t")) {
    nameImage(state, image, name);
    yield say(`Successfully tagged ${name}\n`);
  }
}

/** One instruction. Answers what is wrong with it. */
function perform(
  state: State,
  step: string,
  files: ReadonlyMap<string, Buffer>,
  begin: (stage: Stage) => void,
  stage: Stage | undefined,
): { code?: number; message: string } | undefined {
  const [, word = "", rest = ""] = /^(\w+)\s*(.*)$/s.exec(step) ?? [];
  switch (word.toUpperCase()) {
    case "FROM": {
      const name = rest.replace(/^--\S+\s+/, "").split(/\s+/)[0] ?? "";
      const base = name === "scratch" ? undefined : (state.findImage(name) ?? state.published.find(({ references }) => references.includes(name)));
      if (!base && name !== "scratch")
        return {
          message: `pull access denied for ${name}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
        };
      return void begin({ base, labels: {}, command: base?.command ?? [], size: 0 });
    }
    case "COPY":
    case "ADD": {
      const source = (rest.split(/\s+/)[0] ?? "").replace(/^\.?\//, "").replace(/\/$/, "");
      const found = [...files].filter(([name]) => source === "" || source === "." || name === source || name.startsWith(`${source}/`));
      if (found.length === 0)
        return { message: `COPY failed: file not found in build context or excluded by .dockerignore: stat ${source}: file does not exist` };
      if (stage) stage.size += found.reduce((sum, [, content]) => sum + content.length, 0);
      return undefined;
    }
    case "RUN": {
      const code = /^(?:exit (\d+)|false)$/.exec(rest);
      const number = code ? Number(code[1] ?? 1) : 0;
      return number ? { code: number, message: `The command '/bin/sh -c ${rest}' returned a non-zero code: ${number}` } : undefined;
    }
    case "CMD":
      if (stage) stage.command = rest.startsWith("[") ? (JSON.parse(rest) as string[]) : ["/bin/sh", "-c", rest];
      return undefined;
    case "LABEL":
      for (const [, name = "", value = ""] of rest.matchAll(/([\w.-]+)=("[^"]*"|\S*)/g)) if (stage) stage.labels[name] = value.replace(/^"|"$/g, "");
      return undefined;
    case "ARG":
    case "ENV":
    case "WORKDIR":
    case "USER":
    case "EXPOSE":
    case "ENTRYPOINT":
    case "VOLUME":
    case "HEALTHCHECK":
      return undefined;
    default:
      return { message: `unknown instruction: ${word.toUpperCase()}` };
  }
}
