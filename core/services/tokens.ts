import type { Reads } from "../call/reads.js";
import type { CheckedConfig } from "../config/schema.js";
import type { Secrets } from "../config/secrets.js";
import { token } from "../declare/tokens.js";
import type { Audit } from "./audit.js";
import type { Signer } from "./signer.js";

/** Services of the core, beside those that plugins may ask for (`core/declare/tokens.ts`) and the policy (`core/call/policy.ts`). */
export const CONFIG = token<CheckedConfig>("config");
export const SECRETS = token<Secrets>("secrets");
export const AUDIT = token<Audit>("audit");
export const CACHE = token<Reads>("cache");
export const SIGNER = token<Signer>("signer");
