import { createHash, randomBytes, type X509Certificate } from "node:crypto";
import { request as overHttps } from "node:https";
import type { Duplex } from "node:stream";
import { type Frame, frameBytes, FrameReader, isLast, OPCODE, opcodeOf } from "../frames.js";

/** One end of a websocket: messages whole, text as text, the rest as bytes. */
export interface Socket {
  send(message: string | Uint8Array): void;
  /** The next message; undefined at the end. */
  next(): Promise<string | Uint8Array | undefined>;
  close(): void;
}

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const acceptOf = (key: string): string =>
  createHash("sha1")
    .update(key + MAGIC)
    .digest("base64");

/** Answers the handshake of a client that has asked for a websocket. */
export function acceptSocket(stream: Duplex, key: string): Socket {
  stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`);
  return socketOn(stream, false);
}

/** Refuses it, as Go's server does before the handshake. */
export function refuseSocket(stream: Duplex, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  stream.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

/** Opens a websocket to another server, whose certificate must be this very one. */
export function dialSocket(url: string, certificate: X509Certificate): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
    };
    const dialled = overHttps(url, { headers, ca: certificate.toString(), checkServerIdentity: () => undefined });
    dialled.on("upgrade", (_answer, stream, head) => {
      if (head.length) stream.unshift(head);
      resolve(socketOn(stream, true));
    });
    dialled.on("response", () => reject(new Error("websocket: bad handshake")));
    dialled.on("error", (error) => reject(new Error(`dial: ${error.message}`)));
    dialled.end();
  });
}

function socketOn(stream: Duplex, client: boolean): Socket {
  const reader = new FrameReader();
  const messages: (string | Uint8Array)[] = [];
  let parts: Frame[] = [];
  let over = false;
  let wake = (): void => {};
  const end = (): void => {
    over = true;
    wake();
  };
  const write = (opcode: number, payload: Buffer): void => {
    if (!stream.destroyed && stream.writable) stream.write(frameBytes({ head: 0x80 | opcode, payload }, client));
  };
  const take = (frame: Frame): void => {
    const opcode = opcodeOf(frame);
    if (opcode === OPCODE.close) {
      write(OPCODE.close, frame.payload);
      stream.end();
      return end();
    }
    if (opcode === OPCODE.ping) return write(OPCODE.pong, frame.payload);
    if (opcode === OPCODE.pong) return;
    parts.push(frame);
    if (!isLast(frame)) return;
    const whole = Buffer.concat(parts.map(({ payload }) => payload));
    messages.push(parts[0] && opcodeOf(parts[0]) === OPCODE.text ? whole.toString() : whole);
    parts = [];
    wake();
  };
  stream.on("data", (bytes: Buffer) => reader.push(bytes).forEach(take));
  stream.on("end", end).on("close", end).on("error", end);
  return {
    send: (message) => write(typeof message === "string" ? OPCODE.text : OPCODE.binary, Buffer.from(message)),
    async next() {
      for (;;) {
        if (messages.length > 0 || over) return messages.shift();
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    close() {
      write(OPCODE.close, Buffer.from([3, 232]));
      stream.end();
    },
  };
}
