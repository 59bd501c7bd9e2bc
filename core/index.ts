/**
 * What an embedder imports, as `proxmcp`.
 * @module
 */
export type { CallOptions, CallValue, ProxMcp } from "./app.js";
export type { Caller } from "./call/context.js";
export { type Decision, type Policy, POLICY, type ToolRef } from "./call/policy.js";
export { createProxMcp, type Setup } from "./create.js";
export type { DefinitionOptions, ToolDefinitions } from "./derive/definitions.js";
export type { AttachableServer, AttachOptions } from "./server/attach.js";
export type { HandlerOptions, RequestHandler } from "./server/http.js";
export type { Serving } from "./server/stdio.js";
export { loadConfig, type LoadedConfig } from "./config/load.js";
export { type Config, defineConfig } from "./config/schema.js";
export * from "./plugin.js";
export type { QueryHelp } from "./query/help.js";
export type { Interpretation } from "./query/interpret.js";
export type { QueryAnswer } from "./query/run.js";
export type { Route } from "./derive/routes.js";
export { type Surface, tokensOf } from "./derive/surface.js";
export type { Tool } from "./derive/tools.js";
export type { Vocabulary } from "./derive/vocabulary.js";
export type { Audit, AuditEntry } from "./services/audit.js";
export { Signer } from "./services/signer.js";
export { AUDIT, CONFIG, SIGNER } from "./services/tokens.js";
export type { Requirement } from "./route/requirement.js";
export type { Copy, Placement, RoutePlan } from "./route/router.js";
export type { Explanation } from "./why.js";
export type { Overview } from "./tools/overview.js";
