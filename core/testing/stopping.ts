import { codeOf, open, type Subject } from "./subject.js";
import type { Check } from "./review.js";

/** Milliseconds that a socket may take to be closed once nobody wants its answer. */
const PATIENCE = 3000;

/** A call that is cancelled ends, and takes its request along. */
export const cancelled: Check = {
  name: "ends a cancelled call and frees its socket",
  needs: "sandbox",
  async run(subject) {
    const { sandbox } = subject;
    if (!sandbox?.pending) return told(subject);
    for (const { tool, within } of await subject.listings()) {
      sandbox.fail({ path: /^/, hang: true });
      const stop = new AbortController();
      const call = subject.refusal(tool.name, within, stop.signal);
      const asked = await until(() => (sandbox.pending?.() ?? 0) > 0, call);
      stop.abort();
      const code = codeOf(await call);
      if (asked && code !== "CANCELLED") subject.note(tool.name, `cancelled, it ends with ${code ?? "an answer"}. CANCELLED was due.`);
      if (asked && !(await until(() => sandbox.pending?.() === 0)))
        subject.note(tool.name, "cancelled, it leaves its request open. Pass `signal` on to every request.");
      sandbox.heal();
    }
  },
};

/** What takes longer than its time ends with it. */
export const deadline: Check = {
  name: "keeps its deadline",
  needs: "sandbox",
  async run(subject) {
    if (!subject.sandbox?.pending) return told(subject);
    const listings = await subject.listings();
    const own = await open(subject.provider, subject.options, { readTimeout: 1 });
    const { sandbox } = own;
    try {
      sandbox?.fail({ path: /^/, hang: true });
      await Promise.all(
        listings.map(async ({ tool, within }) => {
          const code = codeOf(await own.refusal(tool.name, within));
          // One that asks nobody is done in time.
          if (code && code !== "TIMEOUT") subject.note(tool.name, `with no answer in time it ends with ${code}. TIMEOUT was due.`);
        }),
      );
      if (!(await until(() => sandbox?.pending?.() === 0)))
        subject.note(own.provider.name, "after the deadline some requests are still open. Pass `signal` on to every request.");
    } finally {
      await own.close();
    }
  },
};

const told = ({ note, provider }: Subject): void =>
  note(provider.name, "its sandbox can't say which requests wait for an answer. Pass on `pending` of serveSandbox, or count them.");

/** What the process holds open. Timers of a test runner come and go. */
const HELD = /^(TCP|TLS|Pipe|UDP|Process|FSEvent|StatWatcher|Worker|MessagePort|Timeout|Immediate)/;

/** Closing ends everything: sockets, timers, watchers, processes. */
export const closing: Check = {
  name: "leaves nothing open when it is closed",
  async run(subject) {
    // What is opened once in a process, such as a loaded library's own, is open by now.
    for (const { tool, within } of await subject.listings()) await subject.refusal(tool.name, within);
    const before = held();
    const own = await open(subject.provider, subject.options);
    for (const { tool, within } of await own.listings()) await own.refusal(tool.name, within);
    await own.app.test();
    await own.close();
    const left = (): readonly string[] => [...held()].flatMap(([type, count]) => (count > (before.get(type) ?? 0) ? [type] : []));
    if (!(await until(() => left().length === 0)))
      subject.note(
        own.provider.name,
        `after close() there are more than before of: ${left().join(", ")}. Close what the client opened in its close().`,
      );
  },
};

function held(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) if (HELD.test(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}

/** Waits until it holds, the call has ended, or patience has. Whether it holds. */
async function until(holds: () => boolean, call: Promise<unknown> = new Promise(() => {})): Promise<boolean> {
  const ended = call.then(() => "ended" as const);
  for (let waited = 0; waited < PATIENCE; waited += 5) {
    if (holds()) return true;
    if ((await Promise.race([ended, new Promise((done) => setTimeout(done, 5))])) === "ended") break;
  }
  return holds();
}
