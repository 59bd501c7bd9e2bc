/** The server's side of a websocket, as far as the consoles of the sandbox need it: small frames, text in and bytes out. */
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { SandboxRequest } from "proxmcp/plugin";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const CLOSE = 8;

export interface Peer {
  send(data: string): void;
  /** Goes without a word, as Proxmox does: the other side sees 1006. */
  drop(): void;
}

/** Answers the handshake, then passes every message on. */
export function accept(request: SandboxRequest, socket: Duplex, heard: (message: string) => void): Peer {
  const key = String(request.headers["sec-websocket-key"] ?? "");
  const agreed = createHash("sha1")
    .update(key + GUID)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${agreed}\r\nSec-WebSocket-Protocol: binary\r\n\r\n`,
  );
  let waiting = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (let frame = take(waiting); frame; frame = take(waiting)) {
      waiting = waiting.subarray(frame.length);
      if (frame.opcode === CLOSE) return void socket.end();
      if (frame.opcode <= 2) heard(frame.payload.toString("utf8"));
    }
  });
  return {
    send: (data) => {
      const payload = Buffer.from(data, "utf8");
      const head =
        payload.length < 126
          ? Buffer.from([0x82, payload.length])
          : payload.length < 65_536
            ? Buffer.from([0x82, 126, payload.length >> 8, payload.length & 255])
            : undefined;
      if (!head) for (let at = 0; at < payload.length; at += 60_000) socket.write(whole(payload.subarray(at, at + 60_000)));
      else socket.write(Buffer.concat([head, payload]));
    },
    drop: () => socket.destroy(),
  };
}

const whole = (payload: Buffer): Buffer => Buffer.concat([Buffer.from([0x82, 126, payload.length >> 8, payload.length & 255]), payload]);

export function refuse(socket: Duplex, reason: string): void {
  socket.end(`HTTP/1.1 401 ${reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}

/** The first frame, once it is there in full. A client's frames are always masked. */
function take(data: Buffer): { readonly opcode: number; readonly payload: Buffer; readonly length: number } | undefined {
  const [first = TEXT, second = 0] = data;
  if (data.length < 2) return undefined;
  const short = second & 127;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (data.length < 2 + extra + 4) return undefined;
  const size = extra === 0 ? short : extra === 2 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
  const start = 2 + extra + 4;
  if (data.length < start + size) return undefined;
  const mask = data.subarray(start - 4, start);
  const payload = Buffer.from(data.subarray(start, start + size).map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return { opcode: first & 15, payload, length: start + size };
}
