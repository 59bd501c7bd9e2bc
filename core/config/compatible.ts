import { ProxMcpError } from "../errors.js";
import { API, VERSION } from "../version.js";
import type { PluginSource } from "./source.js";

/** Refuses a plugin whose package.json asks for another version of this package, before any of its code runs. */
export async function checkNeeds(origin: string, { name, version, needs }: PluginSource): Promise<void> {
  // `workspace:`, `file:` and the like name a copy, not a range: that copy is this one.
  if (needs === undefined || needs.includes(":")) return;
  const { default: semver } = await import("semver");
  // A prerelease of a version that would do, does.
  if (semver.satisfies(VERSION, needs, { includePrerelease: true })) return;
  const what = `The plugin ${origin}${version ? ` ${version}` : ""}`;
  const data = { plugin: origin, ...(version ? { version } : {}), needs, proxmcp: VERSION };
  if (semver.validRange(needs) === null)
    throw new ProxMcpError(
      "PLUGIN_INCOMPATIBLE",
      `${what} says in its package.json that it needs proxmcp ${JSON.stringify(needs)}, which is no range of versions.`,
      {
        data,
        next: 'Correct it in the plugin: `"peerDependencies": { "proxmcp": ">=0.1.0" }`.',
      },
    );
  const newer = semver.gtr(VERSION, needs);
  throw new ProxMcpError("PLUGIN_INCOMPATIBLE", `${what} needs proxmcp ${needs}; this is ${VERSION}.`, {
    data,
    next: newer
      ? `Install a newer version of ${name ?? "the plugin"} that supports proxmcp ${VERSION}, or an older proxmcp.`
      : `Install a proxmcp that is ${needs}, or an older version of ${name ?? "the plugin"}.`,
  });
}

/** Refuses a declaration for another version of the declaration API: what else is wrong with it would only mislead. */
export function checkApi(origin: string, candidate: unknown): void {
  const api = (candidate as { readonly api?: unknown } | null | undefined)?.api;
  if (api === undefined || api === API) return;
  throw new ProxMcpError(
    "PLUGIN_INCOMPATIBLE",
    `The plugin ${origin} was written for declaration API ${String(api)}; proxmcp ${VERSION} knows ${API}.`,
    {
      data: { plugin: origin, api, known: API, proxmcp: VERSION },
    },
  );
}
