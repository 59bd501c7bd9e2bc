import docker from "proxmcp/plugins/docker";
import type { AuditEntry } from "proxmcp";
import type { Sandbox } from "proxmcp/plugin";
import { expect, it } from "vitest";
import { openApp, tidy } from "../../examples/embedded/tidy.js";

it("examples/embedded deletes what its user says yes to, and no more", async () => {
  const sandbox = (await (await docker.sandbox?.())?.start()) as Sandbox;
  const audit: AuditEntry[] = [];
  const app = await openApp({ write: (entry) => void audit.push(entry) }, { here: { provider: "docker", ...sandbox.connection } });
  const ended = async (): Promise<string[]> => {
    const { items } = await app.call("docker_container_list", { where: { status: ["exited", "dead"] } });
    return (items as { name: string }[]).map(({ name }) => name);
  };
  await app.call("docker_container_stop", { name: "shop-web" });
  const before = await ended();
  expect(before.length).toBeGreaterThan(1);

  const questions: string[] = [];
  const gone = await tidy(app, async (question) => questions.push(question) === 1);
  expect(questions).toHaveLength(before.length);
  expect(questions[0]).toContain(JSON.stringify(before[0]));
  expect(gone).toEqual(before.slice(0, 1));
  expect(await ended()).toEqual(before.slice(1));

  const deletions = audit.filter(({ tool }) => tool === "docker_container_delete").map(({ outcome }) => outcome);
  expect(deletions).toEqual(["ok", ...before.slice(1).map(() => "DECLINED")]);
  await app.close();
  await sandbox.close();
});
