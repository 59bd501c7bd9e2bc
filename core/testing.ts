/**
 * What a plugin's sandbox and tests import, as `proxmcp/testing`.
 * @module
 */
export { type SandboxCall, type SandboxReply, type SandboxServer, type SandboxServerOptions, serveSandbox } from "./sandbox/server.js";
export { selfSignedCertificate } from "./sandbox/certificate.js";
export { type Review, type ReviewOptions, testProvider } from "./testing/review.js";
