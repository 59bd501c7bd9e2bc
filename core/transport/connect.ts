import { connect as connectPlain, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ProxMcpError } from "../errors.js";
import type { HttpTarget, TlsOptions } from "./types.js";

const HANDSHAKE_SECONDS = 10;

/** Opens the byte stream to a target: plain, TLS, a unix socket, or whatever its `dial` opens. */
export async function connectTo(target: HttpTarget, signal: AbortSignal): Promise<Socket> {
  const url = new URL(target.url);
  const secure = url.protocol === "https:";
  const port = Number(url.port || (secure ? 443 : 80));
  // URL keeps the brackets of an IPv6 address; sockets want it without.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const stream = target.dial
    ? await target.dial(signal)
    : await opened(target.socketPath ? connectPlain({ path: target.socketPath }) : connectPlain({ host, port }), "connect", signal, target);
  return secure ? await secured(stream, host, target, signal) : (stream as Socket);
}

async function secured(stream: Duplex, host: string, target: HttpTarget, signal: AbortSignal): Promise<TLSSocket> {
  const tls = target.tls ?? {};
  const socket = connectTls({
    socket: stream,
    servername: tls.servername ?? (/^[\d.]+$|:/.test(host) ? "" : host),
    host: tls.servername ?? host,
    ALPNProtocols: ["http/1.1"], // HTTP/2 has no reason phrase, and some platforms put their error text there
    rejectUnauthorized: false, // judged in `judge`, so that the error can show the fingerprint; nothing is sent before
    ...(tls.ca ? { ca: tls.ca } : {}),
    ...(tls.cert ? { cert: tls.cert } : {}),
    ...(tls.key ? { key: tls.key } : {}),
  });
  await opened(socket, "secureConnect", signal, target);
  const refusal = judge(socket, tls, target);
  if (refusal) {
    socket.destroy();
    stream.destroy(); // the TLS socket alone would leave the server waiting on the one below
    throw refusal;
  }
  return socket;
}

/** Whether we trust the server; an error that says why not. */
function judge(socket: TLSSocket, tls: TlsOptions, target: HttpTarget): ProxMcpError | undefined {
  const shown = plainFingerprint(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
  const tried = [`TLS handshake with ${target.url}`];
  if (tls.fingerprint) {
    if (plainFingerprint(tls.fingerprint) === shown) return undefined;
    return new ProxMcpError(
      "TLS_UNTRUSTED",
      `${target.url} presented the certificate ${shown}, but ${plainFingerprint(tls.fingerprint)} is pinned.`,
      {
        tried,
        data: { fingerprint: shown },
        next: "If the server was reinstalled or its certificate renewed, check the new fingerprint on the server itself and pin that. Otherwise someone is in between.",
      },
    );
  }
  if (tls.verify === false || socket.authorized) return undefined;
  const why = String(socket.authorizationError ?? "not trusted");
  return new ProxMcpError("TLS_UNTRUSTED", `The certificate of ${target.url} is not trusted (${why}). Its SHA-256 fingerprint is ${shown}.`, {
    tried,
    data: { fingerprint: shown, reason: why },
  });
}

const plainFingerprint = (text: string): string => text.replaceAll(":", "").toLowerCase();

function opened<S extends Socket>(socket: S, event: "connect" | "secureConnect", signal: AbortSignal, target: HttpTarget): Promise<S> {
  return new Promise<S>((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      socket.removeListener("error", settle);
      if (!error) return resolve(socket);
      socket.on("error", () => {}); // what a dying socket still says is of no interest
      socket.destroy();
      reject(error);
    };
    const aborted = (): void => settle(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    const timer = setTimeout(
      () =>
        settle(
          new ProxMcpError("UNREACHABLE", `${placeOf(target)} did not answer within ${HANDSHAKE_SECONDS} s.`, {
            tried: [`connect to ${placeOf(target)}`],
          }),
        ),
      HANDSHAKE_SECONDS * 1000,
    );
    socket.once("error", settle);
    socket.once(event, () => settle());
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

/** How a target is named in messages. */
export const placeOf = (target: HttpTarget): string => target.socketPath ?? target.url;
