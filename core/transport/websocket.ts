import type { Pool, WebSocket as UndiciWebSocket } from "undici";
import { ProxMcpError } from "../errors.js";
import type { WebSocketStream } from "./types.js";

const NORMAL = 1000;

/** Opens a websocket through a pool, so that it connects and trusts as every other request to the target does. */
export async function openWebSocket(url: URL, headers: Record<string, string>, pool: Pool, signal: AbortSignal): Promise<WebSocketStream> {
  const { WebSocket } = await import("undici");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, { dispatcher: pool, headers });
  socket.binaryType = "arraybuffer";
  const stream = new MessageStream(socket);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", (event) => reject(refusal(url, event)), { once: true });
    signal.addEventListener("abort", () => (stream.close(), reject(signal.reason as Error)), { once: true });
  });
  return stream;
}

/** undici hides what the server answered; a transport failure still has its code. */
function refusal(url: URL, event: { error?: unknown; message?: string }): Error {
  let cause = event.error as (Error & { cause?: unknown }) | undefined;
  while (cause?.cause instanceof Error) cause = cause.cause;
  if (cause && "code" in cause) return cause;
  return new ProxMcpError("UPSTREAM", `${url.pathname}: the server did not open a websocket${cause?.message ? ` (${cause.message})` : ""}.`);
}

class MessageStream implements WebSocketStream {
  readonly #socket: UndiciWebSocket;
  readonly #waiting: (string | Uint8Array)[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  readonly closed: Promise<number>;

  constructor(socket: UndiciWebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.#waiting.push(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code }) => {
        this.#ended = true;
        this.#wake?.();
        resolve(code);
      });
    });
  }

  send(data: string | Uint8Array): void {
    this.#socket.send(data as string);
  }

  close(): void {
    this.#socket.close(NORMAL);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
