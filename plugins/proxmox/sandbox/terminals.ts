import type { Duplex } from "node:stream";
import type { SandboxRequest } from "proxmcp/plugin";
import { runIn } from "./agent.js";
import { type Call, onGuest, type Routes, text, theGuest } from "./calls.js";
import type { Cluster, Guest } from "./cluster.js";
import { accept, refuse } from "./websocket.js";

interface Waiting {
  readonly guest: Guest;
  readonly user: string;
  readonly ticket: string;
}

/** Proxies that wait for somebody to connect, by cluster and port. */
const proxies = new WeakMap<Cluster, Map<number, Waiting>>();
const FIRST_PORT = 5900;

function proxy(call: Call, type: Guest["type"], vnc: boolean): unknown {
  const guest = theGuest(call, type);
  const open = proxies.get(call.cluster) ?? new Map<number, Waiting>();
  proxies.set(call.cluster, open);
  const port = FIRST_PORT + open.size;
  const ticket = `PVEVNC:${(0x6b000000 + port).toString(16).toUpperCase()}::c2FuZGJveA${port}==`;
  open.set(port, { guest, user: call.token.id, ticket });
  const upid = call.cluster.tasks.start({ node: text(call, "node"), type: "vncproxy", id: String(guest.vmid), token: call.token, slowness: 20 });
  return { port: String(port), ticket, user: call.token.id, upid, ...(vnc ? { cert: "-----BEGIN CERTIFICATE-----", password: "sandbox0" } : {}) };
}

export const terminalRoutes = (type: Guest["type"]): Routes => {
  const one = `/nodes/{node}/${type}/{vmid}`;
  return {
    [`POST ${one}/termproxy`]: { needs: onGuest("VM.Console"), run: (call) => proxy(call, type, false) },
    [`POST ${one}/vncproxy`]: { needs: onGuest("VM.Console"), run: (call) => proxy(call, type, true) },
  };
};

/** Connects somebody with the console that a proxy waits with: a shell that knows a few programs. */
export function attach(cluster: Cluster, request: SandboxRequest, socket: Duplex): void {
  const waiting = proxies.get(cluster)?.get(Number(request.query.get("port")));
  if (!waiting || waiting.ticket !== request.query.get("vncticket") || request.headers["sec-websocket-protocol"] !== "binary")
    return refuse(socket, "permission denied - invalid PVEVNC ticket");
  const { guest } = waiting;
  const isShell = guest.settings.cmode === "shell";
  const prompt = isShell ? "/ # \u001b[6n" : `${String(guest.settings.hostname)} login: `;
  let known = false;
  let line = "";
  const peer = accept(request, socket, (message) => {
    if (!known) {
      known = message === `${waiting.user}:${waiting.ticket}\n`;
      if (!known || guest.status !== "running") return peer.drop();
      peer.send("OK");
      peer.send("\u001b[H\u001b[J");
      return peer.send(prompt);
    }
    const [, typed] = /^0:\d+:([\s\S]*)$/.exec(message) ?? [];
    if (typed === undefined) return; // a size, or a sign of life
    line += typed;
    peer.send(typed.replaceAll("\n", "\r\r\n"));
    if (!line.endsWith("\n")) return;
    const command = line;
    line = "";
    if (isShell) peer.send(answerTo(guest, command).replaceAll("\n", "\r\r\n"));
    peer.send(prompt);
  });
}

/** What the shell prints for a line. It knows the form in which commands come, between two marks. */
function answerTo(guest: Guest, line: string): string {
  const marked = /printf '\\n%s%s\\n' '<' '(\w+)<'; ([\s\S]*?) <\/dev\/null; printf '\\n%s%s%s\\n' '>' '\1>/.exec(line);
  if (!marked) return "";
  const [, mark, command = ""] = marked;
  const shell = /^\(([\s\S]*)\n\)$/.exec(command)?.[1];
  const words =
    shell === undefined ? [...command.matchAll(/'((?:[^']|'\\'')*)'/g)].map(([, word = ""]) => word.replaceAll(`'\\''`, "'")) : ["sh", "-c", shell];
  const ran = runIn(guest, words, "") ?? { code: 127, out: "", err: `sh: ${words[0]}: not found\n` };
  return `\n<${mark}<\n${ran.out}${ran.err}\n>${mark}>${ran.code}\n`;
}
