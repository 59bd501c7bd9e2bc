/**
 * What a verb means on every platform.
 * @hidden
 */
export interface Verb {
  /** What it does to "one" or "it". */
  readonly means: string;
  readonly on: "item" | "kind";
  readonly idempotent?: boolean;
}

const item = (means: string, idempotent = false): Verb => ({ means, on: "item", idempotent });
const kind = (means: string, idempotent = false): Verb => ({ means, on: "kind", idempotent });

/**
 * The one list of verbs. A tool is called `<provider>_<kind>_<verb>`, so a verb means the same on every platform.
 *
 * `on` says what the verb works on: one existing item (the tool then takes the item's key), or the kind as a
 * whole (`create` has no item yet). `idempotent`: calling it twice leaves the same state as calling it once.
 * A plugin may use a verb that is not here if its action says `about` what it does; a verb that two plugins share belongs here.
 */
export const VERBS: Readonly<Record<string, Verb>> = {
  list: kind("List them, filtered and paged", true),
  get: item("Show one in full", true),
  create: kind("Create a new one"),
  update: item("Change settings of an existing one", true),
  delete: item("Remove it for good"),
  start: item("Start a stopped one", true),
  stop: item("Stop it now", true),
  shutdown: item("Ask the guest to shut itself down", true),
  restart: item("Stop and start it again"),
  reset: item("Reset it hard, as by the power switch"),
  pause: item("Freeze it in memory", true),
  resume: item("Continue a paused or suspended one", true),
  suspend: item("Suspend it", true),
  kill: item("Send its main process a signal"),
  rename: item("Give it another name"),
  clone: item("Copy it to a new one"),
  migrate: item("Move it to another node"),
  exec: item("Run a command inside it"),
  logs: item("Read its recent log", true),
  stats: item("Measure what it uses right now", true),
  metrics: item("Read its measurements over time", true),
  snapshot: item("Take a snapshot of it"),
  restore: item("Put it back to an earlier state"),
  export: item("Write it to a file"),
  import: kind("Create one from a file"),
  pull: kind("Fetch one from where it is published", true),
  push: item("Publish it"),
  prune: kind("Remove those that nothing uses"),
  setup: kind("Make a machine ready and connect to it", true),
  discover: kind("Look for machines at given addresses", true),
  status: kind("Show the state of the whole", true),
};
