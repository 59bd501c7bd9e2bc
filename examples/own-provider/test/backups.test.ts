import { describe, expect, it } from "vitest";
import { sent, started } from "./started.ts";

const confirm = { confirm: true } as const;

describe("backups", () => {
  it("are made of all databases, and those that fail are told beside the others", async () => {
    const { app, sandbox } = await started();
    sandbox.fail({ method: "POST", path: "/v1/backups", taskError: "connection timed out", times: 1 });
    expect(await app.call("containarium_backup_create", { username: "alice" })).toMatchObject({
      result: { backups: [{ username: "alice", database: "analytics", verified: "never" }], failures: ["app: pg_dump: connection timed out"] },
    });
    expect(sent(sandbox, "POST").body).toEqual({ username: "alice", connection: {}, destination: "BACKUP_DESTINATION_LOCAL" });
  });

  it("are made of one database with its own login, whose password is shown nowhere", async () => {
    const { app, sandbox } = await started();
    const args = {
      username: "alice",
      database: "app",
      destination: "gcs",
      bucket: "gs://dumps/pg",
      db_user: "app",
      db_password: "hunter2-hunter2",
      db_port: 5433,
    };
    const made = await app.call("create_backup", args);
    expect(made).toMatchObject({
      result: { backups: [{ destination: "gcs", location: expect.stringMatching(/^gs:\/\/dumps\/pg\/alice-app-.*\.dump$/) }] },
    });
    expect(JSON.stringify(made)).not.toContain("hunter2");
    expect(sent(sandbox, "POST").body).toEqual({
      username: "alice",
      connection: { database: "app", user: "app", password: "hunter2-hunter2", port: 5433 },
      destination: "BACKUP_DESTINATION_GCS",
      gcsBucket: "gs://dumps/pg",
    });
  });

  it("are listed, read, verified, restored and deleted", async () => {
    const { app, sandbox } = await started();
    const { items } = (await app.call("list_backups", { where: { username: "alice" } })) as { items: { id: string }[] };
    expect(sent(sandbox, "GET").query).toEqual({ username: "alice" });
    const id = items[0]?.id ?? "";
    expect(await app.call("get_backup", { id })).toMatchObject({
      item: { id, engine: "postgres", size: 18_400_000, tables: 42, destination: "local" },
    });
    expect(await app.call("verify_backup", { id, target_username: "bob" })).toMatchObject({
      result: { result: "passed", container: "bob-container", duration: 2.4, checks: [{ name: "restore", passed: true }] },
    });
    expect(await app.call("get_backup", { id })).toMatchObject({ item: { verified: "passed", verified_at: expect.any(String) } });
    await expect(app.call("restore_backup", { id, clean: true })).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
    await app.call("restore_backup", { id, clean: true }, confirm);
    expect(sent(sandbox, "POST")).toEqual({ path: `/v1/backups/${id}/restore`, query: {}, body: { connection: {}, clean: true } });
    await app.call("delete_backup", { id }, confirm);
    await expect(app.call("get_backup", { id })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `Unable to read backup ${id}: backup ${id} not found`,
    });
  });

  it("that can't be loaded are an answer, not an error", async () => {
    const { app, sandbox } = await started();
    const { items } = (await app.call("list_backups", {})) as { items: { id: string }[] };
    sandbox.fail({ path: "/verify", taskError: "pg_restore: unsupported version (1.16) in file header" });
    expect(await app.call("verify_backup", { id: items[0]?.id, target_username: "bob" })).toMatchObject({
      result: { result: "failed", error: "pg_restore: unsupported version (1.16) in file header" },
    });
  });
});
