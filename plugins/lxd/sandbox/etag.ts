import { createHash } from "node:crypto";
import { Refusal } from "./answers.js";
import type { Call } from "./router.js";

/** What the server answers beside something that can be changed: a digest of it. */
export const etagOf = (shown: unknown): string => createHash("sha256").update(JSON.stringify(shown)).digest("hex");

/** Refuses a change of something that is not any more what the caller has seen. */
export function checkMatch(call: Call, shown: unknown): void {
  const match = call.headers["if-match"];
  const etag = etagOf(shown);
  if (match !== undefined && String(match).replaceAll('"', "") !== etag) throw new Refusal(412, `ETag doesn't match: ${etag} vs ${String(match)}`);
}
