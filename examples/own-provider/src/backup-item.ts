import { facet } from "proxmcp/plugin";
import { z } from "zod";
import { enumOf, intOf, known, momentOf, textOf, type WireBackup, type WireVerification } from "./wire.ts";

const RESULTS = ["passed", "failed", "unknown"] as const;

export const Backup = z.object({
  id: facet(z.string(), "Identifies it: user, database and time"),
  username: facet(z.string(), "User whose database it is", { says: ["user", "owner"] }),
  database: facet(z.string(), "Database that was dumped", { says: ["db"] }).optional(),
  engine: facet(z.string(), "Database engine", { says: ["kind of database"], values: { postgres: ["postgresql"] } }).optional(),
  created: facet(z.iso.datetime(), "When it was made", { says: ["taken", "age", "made"] }).optional(),
  size: facet(z.int(), "Size, compressed", { unit: "bytes" }).optional(),
  destination: facet(z.enum(["local", "gcs", "unknown"]), "Where it is stored", { values: { gcs: ["google cloud storage", "google cloud"] } }),
  location: facet(z.string(), "Path or address of the dump", { says: ["path"] }).optional(),
  sha256: facet(z.string(), "Checksum", { says: ["checksum", "hash"] }).optional(),
  tables: facet(z.int(), "Tables that the database had").optional(),
  verified: facet(z.enum([...RESULTS, "never"]), "Whether it could be restored when that was last tried", {
    says: ["verification", "tested"],
    values: { never: ["unverified", "untested"], passed: ["good"], failed: ["bad"] },
  }),
  verified_at: facet(z.iso.datetime(), "When that was", { says: ["last verified"] }).optional(),
});
export type BackupItem = z.output<typeof Backup>;

export const backupOf = (wire: WireBackup): BackupItem =>
  known<BackupItem>({
    id: wire.id,
    username: wire.username,
    database: textOf(wire.database),
    engine: enumOf("BACKUP_ENGINE_", wire.engine),
    created: momentOf(wire.createdAt),
    size: intOf(wire.sizeBytes),
    destination: (["local", "gcs"] as const).find((one) => one === enumOf("BACKUP_DESTINATION_", wire.destination)) ?? "unknown",
    location: textOf(wire.location),
    sha256: textOf(wire.sha256),
    tables: intOf(wire.relationCount),
    verified: wire.lastVerification ? resultOf(wire.lastVerification) : "never",
    verified_at: momentOf(wire.lastVerification?.verifiedAt),
  });

const resultOf = ({ result }: WireVerification) => RESULTS.find((one) => one === enumOf("VERIFICATION_RESULT_", result)) ?? "unknown";

export const Verification = z.object({
  result: facet(z.enum(RESULTS), "Whether it could be restored"),
  error: facet(z.string(), "What the engine said if not").optional(),
  container: facet(z.string(), "Container that it was loaded into").optional(),
  duration: facet(z.number(), "How long it took", { unit: "seconds" }).optional(),
  checks: facet(z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })), "What was looked at"),
});

export function verificationOf(wire: WireVerification): z.output<typeof Verification> {
  const milliseconds = intOf(wire.durationMs);
  return known<z.output<typeof Verification>>({
    result: resultOf(wire),
    error: textOf(wire.error),
    container: textOf(wire.targetContainer),
    duration: milliseconds === undefined ? undefined : milliseconds / 1000,
    checks: (wire.checks ?? []).map(({ name, passed = false, detail = "" }) => ({ name, passed, detail })),
  });
}
