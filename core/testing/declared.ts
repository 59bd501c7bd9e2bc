import { checkProvider } from "../declare/check.js";
import { plural, spaced } from "../derive/words.js";
import type { Check } from "./review.js";
import { parentOf } from "../call/parents.js";

/** The declaration has no fault. */
export const declaration: Check = {
  name: "is declared soundly",
  run: async ({ provider, note }) => {
    for (const fault of checkProvider(provider)) note(provider.name, fault);
    for (const { name } of provider.connection.env?.({}) ?? []) note("connection.env", `it finds ${name} in an empty environment.`);
  },
};

/** The connection test says which platform answers. */
export const connects: Check = {
  name: "passes its own connection test, and says what version answers",
  async run({ app, provider, note }) {
    const [report] = await app.test();
    if (!report?.ok) note("test", `it fails: ${report?.error?.message ?? "without a word"}`);
    else if (!/\d/.test(report.version ?? "")) note("test", `its version is ${JSON.stringify(report.version)}; name the platform and its version.`);
    if (!provider.capacity) return;
    const { connections } = await app.overview();
    for (const { name, ...place } of connections.flatMap(({ places }) => places))
      for (const what of ["cpu", "memory", "disk"] as const) {
        const [all, used] = [place[what], place[`${what}_used`]];
        if ([all, used].some((value) => value !== undefined && !(value >= 0))) note("capacity", `${what} of ${name} is ${all}, ${used} of it used.`);
        // Memory and disks can be shared out more than once, but not used more than once.
        if (all !== undefined && used !== undefined && used > all * 1.05)
          note("capacity", `of the ${all} of ${what} that ${name} has, ${used} are used.`);
      }
  },
};

/** People find each kind by what it is called. */
export const words: Check = {
  name: "is found by the words it says people use",
  run: async ({ app, provider, note }) => {
    for (const kind of provider.kinds.filter((one) => one.list && (!one.listRequires?.length || parentOf(one, provider)))) {
      for (const word of [spaced(kind.name), ...(kind.says ?? [])]) {
        const asked = `list ${plural(word)}`;
        const wanted = `${provider.name}_${kind.name}`;
        try {
          const kinds = app.interpret(asked).kinds.map((one) => `${one.provider}_${one.kind}`);
          if (!kinds.includes(wanted)) note(`kind ${kind.name}`, `"${asked}" is taken for ${kinds.join(", ")}, not for ${wanted}.`);
        } catch (error) {
          note(`kind ${kind.name}`, `"${asked}" is not understood: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  },
};
