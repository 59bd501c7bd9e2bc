import type { HttpRequest, Progress } from "proxmcp/plugin";

/** What goes with every request. */
export interface Ask {
  /** What is wanted, to stand behind "Unable to": `start instance "web"`. */
  readonly doing: string;
  readonly signal: AbortSignal;
  readonly query?: HttpRequest["query"];
  readonly headers?: Readonly<Record<string, string>>;
  /** Told how far a background task is. */
  readonly progress?: (progress: Progress) => void;
}

/** A part of a file on the server. */
export interface Extract {
  readonly text: string;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** What a request carries beside its address. */
export type Content = Pick<HttpRequest, "json" | "body" | "headers">;
