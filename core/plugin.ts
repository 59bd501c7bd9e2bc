/**
 * What the author of a provider plugin imports, as `proxmcp/plugin`. It loads no dependency but zod.
 * @module
 */
export * from "./declare/action.js";
export * from "./declare/connecting.js";
export type * from "./declare/declared.js";
export * from "./declare/facet.js";
export * from "./declare/kind.js";
export * from "./declare/provider.js";
export { SAID } from "./declare/said.js";
export { Shared } from "./declare/shared.js";
export * from "./declare/sandbox.js";
export { SshOptions, sshTargetOf } from "./declare/ssh.js";
export * from "./declare/tokens.js";
export { type Verb, VERBS } from "./declare/verbs.js";
export type { WorkloadMapping, WorkloadSpec } from "./declare/workload.js";
export { ERRORS, type ErrorCode, type ErrorDetails, type ErrorReport, isProxMcpError, ProxMcpError } from "./errors.js";
export type * from "./transport/types.js";
