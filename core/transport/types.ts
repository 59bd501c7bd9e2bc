import type { Duplex, Readable } from "node:stream";

/** How a TLS server proves itself, and how we do. Verification is on unless `verify` is false. */
export interface TlsOptions {
  /** PEM of the authority that signed the server's certificate. */
  readonly ca?: string | undefined;
  /** PEM of our client certificate and its key. */
  readonly cert?: string | undefined;
  /** PEM of the key of `cert`. */
  readonly key?: string | undefined;
  /** SHA-256 of the server certificate in hex, colons allowed. When given, this very certificate is accepted and no other. */
  readonly fingerprint?: string | undefined;
  /** `false` takes any certificate. Only where somebody asked for it in as many words. */
  readonly verify?: boolean | undefined;
  /** The name to expect in the certificate, when it is not the host of the address. */
  readonly servername?: string | undefined;
}

/** A server to open. */
export interface HttpTarget {
  /** `http://host:port` or `https://host:port`, without a path. With `socketPath` only its host is sent. */
  readonly url: string;
  /** A unix socket to connect to instead. */
  readonly socketPath?: string | undefined;
  /** Of an `https` address: how its certificate is checked. */
  readonly tls?: TlsOptions | undefined;
  /** Sent with every request. Values are treated as secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Requests under way at once; more wait their turn. Default 16. */
  readonly connections?: number | undefined;
  /** Opens the byte stream itself, for instance through an SSH tunnel. */
  readonly dial?: ((signal: AbortSignal) => Promise<Duplex>) | undefined;
}

/** One request. A failure before there is an answer throws `UNREACHABLE`, `TLS_UNTRUSTED`, `TIMEOUT` or `CANCELLED`: let those pass. */
export interface HttpRequest {
  /** `GET`, `POST` and so on. */
  readonly method: string;
  /** Absolute path, already encoded. */
  readonly path: string;
  /** Undefined values are left out, arrays are repeated. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> | undefined;
  /** Beside those of the target. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string | Uint8Array | Readable | undefined;
  /** Cancels it: pass on the `signal` of the call. */
  readonly signal: AbortSignal;
  /** Longest answer taken, in bytes; what is longer is cut off with an error. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

/** The answer to a request, whatever its status. Read it with one of `text`, `json`, `bytes` or `body`. */
export interface HttpResponse {
  /** `200` and so on. */
  readonly status: number;
  /** The reason phrase. Some platforms put their whole error message here. */
  readonly reason: string;
  /** By lower-case name; a header that came several times is a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as text. */
  text(): Promise<string>;
  /** The parsed body, or undefined when it is empty. Throws INVALID_OUTPUT when it is not JSON. */
  json<T = unknown>(): Promise<T>;
  /** The body as it came. */
  bytes(): Promise<Uint8Array>;
  /** The files of an answer that is a form (`multipart/form-data`), as they arrive. Each has to be read to its end before the next one comes. */
  files(): AsyncIterable<Readable>;
  /** The body as it arrives. Read it to the end or destroy it: an abandoned body keeps its connection. */
  readonly body: Readable;
}

/** Messages of a websocket, as they come. Text arrives as text, binary frames as bytes. */
export interface WebSocketStream extends AsyncIterable<string | Uint8Array> {
  /** Sends one message, a text or a binary frame. */
  send(data: string | Uint8Array): void;
  /** Ends the iteration too. */
  close(): void;
  /** The close code, once closed. 1006 when the other side just went, which some platforms do as a matter of course. */
  readonly closed: Promise<number>;
}

/** Connections to one server, kept and reused. Any status is an answer; only a failure to get one throws. */
export interface HttpClient {
  /** Sends a request and answers as soon as the headers are there. */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Asks for another protocol (`Upgrade: tcp`) and hands over the byte stream. Answers UPSTREAM when the server stays with HTTP. */
  upgrade(request: HttpRequest, protocol: string): Promise<Duplex>;
  /** Opens a websocket on a connection of its own, with the same TLS rules. `request.method` and `body` are not used. */
  websocket(request: Omit<HttpRequest, "method" | "json" | "body">): Promise<WebSocketStream>;
  /** Closes all connections. Call it in the client's own `close`. */
  close(): Promise<void>;
}

/** The service behind `HTTP`: the only road to a socket that a plugin gets. */
export interface Http {
  /** A client of this server. It connects with the first request. */
  open(target: HttpTarget): HttpClient;
}

/** A host to log in to. */
export interface SshTarget {
  /** Name or address. */
  readonly host: string;
  /** Default: 22. */
  readonly port?: number | undefined;
  /** Who logs in. */
  readonly user: string;
  /** PEM or OpenSSH private key. Without one, the agent at `SSH_AUTH_SOCK` is asked. */
  readonly key?: string | undefined;
  /** Of the key, where it has one. */
  readonly passphrase?: string | undefined;
  /** Tried where the host takes no key. */
  readonly password?: string | undefined;
  /** The socket of an ssh-agent. Default: `SSH_AUTH_SOCK`. */
  readonly agent?: string | undefined;
  /** Path of a known_hosts file. Default: `~/.ssh/known_hosts`. */
  readonly knownHosts?: string | undefined;
  /** SHA-256 of the host key, as `ssh-keygen -l` prints it (`SHA256:...`). Pins this key and no other. */
  readonly fingerprint?: string | undefined;
  /** A host on the way: we log in there, with its own host key and credentials, and go on from it. It may have one of its own. */
  readonly jump?: SshTarget | undefined;
  /** Other logins, tried in this order when the first is refused. What they leave out is as above. */
  readonly also?: readonly SshLogin[] | undefined;
}

/** One way to log in: what it names takes the place of the same of its `SshTarget`. */
export interface SshLogin {
  readonly user?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly password?: string | undefined;
  readonly agent?: string | undefined;
}

/** What a command did, and what it wrote. */
export interface SshResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One SSH connection, shared by all that talk through it. The host key is always checked. */
export interface SshClient {
  /** Runs a command, quoted word by word; any exit code is an answer. `maxBytes` of output: what is longer is cut off with an error. */
  exec(argv: readonly string[], options: { signal: AbortSignal; stdin?: string; maxBytes?: number }): Promise<SshResult>;
  /** A stream to a unix socket on the far side. */
  dialSocket(path: string, signal: AbortSignal): Promise<Duplex>;
  /** A stream to the stdin and stdout of a command. When the command fails, the stream ends with an error that has its last words. */
  dialCommand(argv: readonly string[], signal: AbortSignal): Promise<Duplex>;
  /** A stream to a TCP address as seen from the far side. */
  dialTcp(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Ends the connection, and what goes through it. */
  close(): Promise<void>;
}

/** The service behind `SSH`. */
export interface Ssh {
  /** A connection to this host. It logs in when it is first used. */
  open(target: SshTarget): SshClient;
}
