import { Readable } from "node:stream";
import { type HttpRequest, type HttpResponse, ProxMcpError, type SshClient } from "proxmcp/plugin";

/** Programs that pass a request on to the API, and how each is tried: as the user, then as root where sudo asks nothing. */
const PROGRAMS = ["lxc", "incus"] as const;
/** The snap's, for logins without a profile: those lack its folder. */
const SNAP = "/snap/bin/lxc";
const WAYS = [...PROGRAMS, SNAP].flatMap((program) => [[program], ["sudo", "-n", program]] as const);
const MISSING = /not found|No such file|command not found/i;
/** The command reaches no server: it has no right to the socket, or nothing runs behind it. */
const SHUT =
  /permission denied|connect: |can't connect|cannot connect|Is the .* running|a password is required|not allowed|no such file or directory/i;

/** The API by `lxc query` or `incus query` on a host: one process for each request, the same answers. */
export class CommandClient {
  readonly #shell: SshClient;
  #way: readonly string[] | undefined;

  /** `way`: the words before `query`, where they are known. Otherwise the first that reaches the server. */
  constructor(shell: SshClient, way?: readonly string[]) {
    this.#shell = shell;
    this.#way = way;
  }

  /** Which program answers. */
  get program(): string | undefined {
    return this.#way?.at(-1);
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    if (request.body !== undefined && typeof request.body !== "string")
      throw new ProxMcpError("UNSUPPORTED", `${request.method} ${request.path} carries a file, which the command over SSH can't.`, {
        next: "Let the SSH user open the socket of the server, or allow forwarding.",
      });
    const way = (this.#way ??= await this.#find(request.signal));
    return await this.#ask(way, request);
  }

  /** The first way on which the server answers. */
  async #find(signal: AbortSignal): Promise<readonly string[]> {
    const tried: string[] = [];
    for (const way of WAYS) {
      const { exitCode, stderr } = await this.#shell.exec([...way, "query", "/1.0"], { signal });
      if (exitCode === 0) return way;
      tried.push(`${way.join(" ")} query: ${stderr.trim().split("\n").at(-1) || `exit code ${exitCode}`}`);
      if (!MISSING.test(stderr) && !SHUT.test(stderr) && exitCode !== 127) return way; // it reached the server, which refuses
    }
    throw new ProxMcpError("UNSUPPORTED", `Nothing there passes requests on: ${tried.join("; ")}.`, { tried });
  }

  async #ask(way: readonly string[], { method, path, query, json, signal }: HttpRequest): Promise<HttpResponse> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {}))
      for (const one of value === undefined ? [] : [value].flat()) parameters.append(name, String(one));
    const address = parameters.size > 0 ? `${path}?${parameters}` : path;
    const data = json === undefined ? [] : ["-d", JSON.stringify(json)];
    const { exitCode, stdout, stderr } = await this.#shell.exec([...way, "query", "--raw", "-X", method, ...data, address], { signal });
    if (exitCode === 0) return responseOf(200, stdout);
    // The command says what the server said, and not with which status.
    const reason = stderr.trim().replace(/^Error: /, "");
    // An answer that is empty, as that of an empty log, is none to the command.
    if (method === "GET" && reason === "EOF") return responseOf(200, "");
    const status = statusIn(reason);
    return responseOf(status, JSON.stringify({ type: "error", error: reason || `exit code ${exitCode}`, error_code: status }));
  }
}

/** The status that goes with the words, where they leave no doubt. */
const statusIn = (reason: string): number =>
  /not found/i.test(reason) ? 404 : /not authorized|forbidden/i.test(reason) ? 403 : /already exists/i.test(reason) ? 409 : 500;

function responseOf(status: number, text: string): HttpResponse {
  const bytes = new TextEncoder().encode(text);
  return {
    status,
    reason: "",
    headers: {},
    text: async () => text,
    json: async <T>() => JSON.parse(text) as T,
    bytes: async () => bytes,
    files() {
      throw new ProxMcpError("UNSUPPORTED", "The command over SSH carries no files.");
    },
    body: Readable.from([bytes]),
  };
}
