import { homedir } from "node:os";
import { resolve } from "node:path";
import { configPolicy, POLICY } from "../call/policy.js";
import { Reads } from "../call/reads.js";
import { type CheckedConfig, DEFAULTS, type ToolRules } from "../config/schema.js";
import type { Secrets } from "../config/secrets.js";
import type { Services } from "../container.js";
import { CLOCK, HTTP, LOGGER, SSH, STATE } from "../declare/tokens.js";
import { UndiciHttp } from "../transport/http.js";
import { Ssh2 } from "../transport/ssh.js";
import { type Audit, FileAudit, LogAudit } from "./audit.js";
import { systemClock } from "./clock.js";
import { PinoLogger } from "./logger.js";
import { Signer } from "./signer.js";
import { MemoryState } from "./state.js";
import { AUDIT, CACHE, CONFIG, SECRETS, SIGNER } from "./tokens.js";

/** The services that an app begins with. Whatever an embedder registers afterwards takes their place. */
export function registerServices(services: Services, config: CheckedConfig, secrets: Secrets, folder: string): void {
  services.value(CONFIG, config);
  services.value(SECRETS, secrets);
  services.value(CLOCK, systemClock);
  services.factory(LOGGER, () => new PinoLogger(config.log?.level ?? "info", secrets));
  services.factory(HTTP, () => new UndiciHttp());
  services.factory(SSH, () => new Ssh2());
  services.factory(STATE, (all) => new MemoryState(all.get(CLOCK)));
  services.factory(SIGNER, () => new Signer());
  services.factory(CACHE, (all) => new Reads(all.get(CLOCK), config.cache?.ttl ?? 0));
  services.factory(AUDIT, (all) => auditFor(config, folder, all));
  services.factory(POLICY, () => {
    const byConnection = new Map<string, ToolRules>();
    for (const [name, { tools }] of Object.entries(config.connections ?? {})) if (tools) byConnection.set(name, tools);
    const general = { ...config.tools, confirm: config.tools?.confirm ?? DEFAULTS.confirm };
    return configPolicy({ general, connections: byConnection, roles: new Map(Object.entries(config.roles ?? {})) });
  });
}

function auditFor({ audit }: CheckedConfig, folder: string, services: Services): Audit {
  if (audit === false) return { write: () => {} };
  return audit ? new FileAudit(resolve(folder, audit.file.replace(/^~(?=\/)/, homedir()))) : new LogAudit(services.get(LOGGER));
}
