import type { SandboxFault } from "../declare/sandbox.js";
import { type ErrorCode, isProxMcpError } from "../errors.js";
import type { Check } from "./review.js";
import { CONNECTION, open, type Listing, type Row, same, type Subject } from "./subject.js";

interface Failure {
  readonly what: string;
  readonly fault: Omit<SandboxFault, "path">;
  /** What may be made of it. */
  readonly codes: readonly ErrorCode[];
}

const FAILURES: readonly Failure[] = [
  { what: "answers 401", fault: { status: 401 }, codes: ["AUTH_FAILED"] },
  { what: "answers 403", fault: { status: 403 }, codes: ["FORBIDDEN", "AUTH_FAILED"] },
  { what: "answers 500", fault: { status: 500, reason: "the disk is on fire" }, codes: ["UPSTREAM", "TASK_FAILED", "WRONG_STATE", "NO_CAPACITY"] },
  { what: "answers 503", fault: { status: 503, reason: "being restarted" }, codes: ["UPSTREAM", "UNREACHABLE", "RATE_LIMITED", "WRONG_STATE"] },
  { what: "answers with a page of HTML", fault: { status: 200, body: "<html>Welcome to nginx!</html>" }, codes: ["UPSTREAM", "INVALID_OUTPUT"] },
  { what: "hangs up", fault: { drop: true }, codes: ["UNREACHABLE"] },
];

/** Errors of the platform become errors of the catalogue, in words that a person can use; none passes for an empty list. */
export const mapped: Check = {
  name: "maps what goes wrong to codes and words",
  needs: "sandbox",
  async run(subject) {
    const listings = await subject.listings();
    // A platform of its own for each way to fail, and broken from the start: what a client learned in good days would help it on.
    for (const failure of FAILURES) {
      const own = await open(subject.provider, subject.options);
      try {
        own.sandbox?.fail({ path: /^/, ...failure.fault });
        for (const listing of listings) await judged(subject, own, { ...listing, healthy: await subject.rows(listing) }, failure);
      } finally {
        await own.close();
      }
    }
  },
};

async function judged(
  subject: Subject,
  own: Subject,
  { tool, within, healthy }: Listing & { readonly healthy: readonly Row[] },
  { what, codes }: Failure,
): Promise<void> {
  const asked = own.sandbox?.requests.length ?? 0;
  const at = tool.name;
  let faults: readonly { readonly code: ErrorCode; readonly message: string }[];
  try {
    const answer = await own.call(at, within);
    // Parts that failed stand beside the rows. A list of what the plugin itself brings asks nobody; one of machines may say that they are down.
    faults = (answer["errors"] as typeof faults | undefined) ?? [];
    const rows = answer["items"] as readonly Row[];
    const silent = rows.length === 0 || same(rows, healthy);
    if (faults.length === 0 && silent && (own.sandbox?.requests.length ?? 0) > asked)
      subject.note(at, `where the platform ${what}, it answers as if all were well.`);
  } catch (error) {
    if (!isProxMcpError(error)) return subject.note(at, `where the platform ${what}, it throws ${String(error)}. Throw a ProxMcpError.`);
    faults = [error];
  }
  for (const { code, message } of faults) {
    if (!codes.includes(code)) subject.note(at, `where the platform ${what}, it says ${code} (${message}). ${codes.join(" or ")} was due.`);
    if (/\bundefined\b|\[object |\bNaN\b/.test(message)) subject.note(at, `where the platform ${what}, its message has a hole: ${message}`);
  }
}

/** A platform that is gone is told as such, with the connection it was reached by. */
export const gone: Check = {
  name: "says UNREACHABLE of a platform that is gone",
  needs: "sandbox",
  async run(subject) {
    const listings = await subject.listings();
    const own = await open(subject.provider, subject.options);
    try {
      await own.sandbox?.close();
      for (const { tool, within } of listings) {
        const error = await own.refusal(tool.name, within);
        if (error === undefined) continue; // it has what it says from nowhere else
        if (!isProxMcpError(error) || error.code !== "UNREACHABLE") {
          const says = isProxMcpError(error) ? `${error.code}: ${error.message}` : String(error);
          subject.note(tool.name, `with nobody listening at its address it says ${says}. UNREACHABLE was due.`);
        } else if (error.details.connection !== CONNECTION) subject.note(tool.name, "it does not say which connection is down.");
      }
    } finally {
      await own.app.close();
    }
  },
};
