import type { WireBackup } from "../wire.ts";
import { refuse } from "./refusal.ts";
import { authorize, bodyOf, type Handler, MISSING, type Request, text } from "./request.ts";
import { backupOf } from "./state.ts";

const record = ({ state, parts: [id] }: Request): WireBackup =>
  state.backups.find((one) => one.id === id) ?? refuse(`backup ${id} not found`, "NotFound");

export const list: Handler = (request) => {
  authorize(request, "backups:read");
  const { state, call, claims } = request;
  const username = claims.roles.includes("admin") ? call.query.get("username") : claims.username;
  return { records: state.backups.filter((one) => !username || one.username === username) };
};

export const get: Handler = (request) => {
  const found = record(request);
  authorize(request, "backups:read", found.username);
  return { record: found };
};

/** Without a database, all that there are: those that fail are told beside those that don't. */
export const create: Handler = async (request) => {
  const { state, call, work } = request;
  const body = bodyOf(request, ["username", "connection", "destination", "gcsBucket"]);
  const username = text(body["username"]) || refuse("username is required", "InvalidArgument");
  authorize(request, "backups:write", username);
  const destination = text(body["destination"]);
  if (!/_(LOCAL|GCS)$/.test(destination)) refuse("destination is required (local or gcs)", "InvalidArgument");
  const box = state.boxes.get(username) ?? refuse(`container for user ${username} not found: ${MISSING}`, "NotFound");
  const database = text((body["connection"] as { database?: unknown } | undefined)?.database);
  const wanted = database ? [database] : box.databases;
  const unknown = wanted.filter((name) => !box.databases.includes(name));
  await work();
  if (call.taskError && database) refuse(`backup failed: pg_dump: ${call.taskError}`, "Internal");
  if (unknown.length > 0)
    refuse(`backup failed: pg_dump: error: connection to server failed: FATAL:  database "${unknown[0]}" does not exist`, "Internal");
  const dumped = call.taskError ? wanted.slice(1) : wanted;
  const failures = wanted.filter((name) => !dumped.includes(name)).map((name) => `${name}: pg_dump: ${call.taskError}`);
  if (dumped.length === 0) refuse(`backup failed: ${failures[0] ?? "no databases were backed up"}`, "Internal");
  const records = dumped.map((name) => backupOf(username, name, destination, Date.now(), text(body["gcsBucket"])));
  state.backups.unshift(...records);
  if (database) return { message: `backup created: ${records[0]?.id}`, record: records[0], records, failures };
  return { message: `backed up ${records.length} database(s)`, record: null, records, failures };
};

export const restore: Handler = async (request) => {
  const found = record(request);
  authorize(request, "backups:write", found.username);
  bodyOf(request, ["connection", "clean"]);
  if (!request.state.boxes.has(found.username)) refuse(`container for user ${found.username} not found: ${MISSING}`, "NotFound");
  await request.work();
  if (request.call.taskError) refuse(`restore failed: pg_restore: ${request.call.taskError}`, "Internal");
  return { message: `restore complete: ${found.id}` };
};

/** A dump that can't be loaded is an answer, not an error. */
export const verify: Handler = async (request) => {
  const { state, call, claims, work } = request;
  const found = record(request);
  authorize(request, "backups:write", found.username);
  const target = text(bodyOf(request, ["targetUsername", "connection"])["targetUsername"]);
  if (!target) refuse("target_username is required: a restore test needs a throwaway container to load into", "InvalidArgument");
  if (!state.boxes.has(target)) refuse(`target container for user ${target} not found: ${MISSING}`, "NotFound");
  if (target === found.username) refuse("verification could not run: target container is the source container", "FailedPrecondition");
  await work();
  const passed = !call.taskError;
  const verification = {
    verifiedAt: `${new Date().toISOString().slice(0, 19)}Z`,
    result: passed ? "VERIFICATION_RESULT_PASSED" : "VERIFICATION_RESULT_FAILED",
    error: call.taskError ?? "",
    targetContainer: `${target}-container`,
    scratchDatabase: "containarium_verify_1",
    durationMs: "2400",
    verifiedBy: claims.username,
    checks: [{ name: "restore", passed, detail: call.taskError ?? "42 relations in scratch database" }],
  };
  const updated = { ...found, lastVerification: verification };
  state.backups = state.backups.map((one) => (one === found ? updated : one));
  const message = passed ? `verification passed: ${found.id}` : `verification FAILED: ${found.id}: ${call.taskError}`;
  return { message, verification, record: updated };
};

export const remove: Handler = (request) => {
  const found = record(request);
  authorize(request, "backups:write", found.username);
  request.state.backups = request.state.backups.filter((one) => one !== found);
  return { message: `backup deleted: ${found.id}` };
};
