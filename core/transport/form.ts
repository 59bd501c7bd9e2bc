import { PassThrough, pipeline, type Readable } from "node:stream";
import { ProxMcpError } from "../errors.js";
import type { HttpResponse } from "./types.js";

/** The files of an answer that is a form (`multipart/form-data`), one after the other. Each has to be read to its end before the next one comes. */
export async function* filesOf({ headers, body }: Pick<HttpResponse, "headers" | "body">): AsyncGenerator<Readable> {
  // Few platforms answer with forms, so what reads them is only loaded for those.
  const { Busboy } = await import("@fastify/busboy");
  const reader = new Busboy({ headers: { "content-type": String(headers["content-type"]) } });
  const waiting: Readable[] = [];
  let over = false;
  let failure: Error | undefined;
  let wake = (): void => {};
  const fail = (error: Error): void => {
    failure = error;
    wake();
  };
  reader.on("file", (_field, file) => {
    const part = new PassThrough();
    // A file that breaks off must not look like a whole one.
    pipeline(file, part, (error) => error && fail(error));
    waiting.push(part);
    wake();
  });
  reader.on("finish", () => {
    over = true;
    wake();
  });
  reader.on("error", (error) => fail(error as Error));
  body.on("error", fail);
  body.pipe(reader);
  try {
    for (;;) {
      const part = waiting.shift();
      if (part) yield part;
      else if (failure) throw new ProxMcpError("INVALID_OUTPUT", `the files of the answer broke off: ${failure.message}`);
      else if (over) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    body.unpipe(reader);
    body.destroy();
  }
}
