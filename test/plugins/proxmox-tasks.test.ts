import type { Progress } from "proxmcp/plugin";
import { afterEach, describe, expect, test, vi } from "vitest";
import { clientOf, closeAll, failure, fastClock, sandboxOf, signal, type StartedSandbox } from "./proxmox-setup.js";

afterEach(closeAll);

const START = "/nodes/pve1/qemu/108/status/start";

function watched() {
  const seen: Progress[] = [];
  const notes: string[] = [];
  return { seen, notes, signal: signal(), progress: (one: Progress) => void seen.push(one), note: (sentence: string) => void notes.push(sentence) };
}

const polls = ({ requests }: StartedSandbox): number => requests.filter(({ path }) => path.endsWith("%3A/status")).length;

describe("following a task", () => {
  test("the call ends when the work is done, not when it was accepted", async () => {
    const sandbox = await sandboxOf({ taskTime: 40 });
    const client = clientOf(sandbox.connection);
    await client.write("POST", START, {}, watched());
    expect(await client.get("/nodes/pve1/qemu/108/status/current", signal())).toMatchObject({ status: "running" });
  });

  test("it is asked for on its own node, in growing intervals of at most two seconds", async () => {
    const sandbox = await sandboxOf({ taskTime: 150 });
    const clock = fastClock();
    await clientOf(sandbox.connection, clock).write("POST", START, {}, watched());
    expect(sandbox.requests[1]?.path).toMatch(/^\/api2\/json\/nodes\/pve1\/tasks\/UPID%3Apve1%3A[^/]+\/status$/);
    expect(clock.slept.length).toBeGreaterThan(6);
    expect(clock.slept[0]).toBe(100);
    expect(Math.max(...clock.slept)).toBe(2_000);
    for (const [index, wait] of clock.slept.entries()) expect(wait).toBeGreaterThanOrEqual(clock.slept[index - 1] ?? 0);
  });

  test("progress only grows, and says what the task said last", async () => {
    const sandbox = await sandboxOf({ taskTime: 1_000 });
    const call = watched();
    const client = clientOf(sandbox.connection);
    // A second task on a guest waits for the first and says so in its log.
    const first = client.write("POST", START, {}, watched());
    // Followed, so it has begun, and it takes a second from here.
    await vi.waitUntil(() => sandbox.requests.some(({ path }) => path.includes("/tasks/")), { timeout: 10_000, interval: 5 });
    await client.write("POST", "/nodes/pve1/qemu/108/status/stop", {}, call);
    await first;
    expect(call.seen.map(({ progress }) => progress)).toEqual(call.seen.map((_, index) => index + 1));
    expect(call.seen.map(({ message }) => message)).toContain("trying to acquire lock...");
  });

  test("a failure has the reason, the end of the log and the id", async () => {
    const sandbox = await sandboxOf();
    sandbox.fail({ path: "/status/start", taskError: "start failed: QEMU exited with code 1" });
    const error = await failure(clientOf(sandbox.connection).write("POST", START, {}, watched()));
    expect(error.code).toBe("TASK_FAILED");
    expect(error.message).toContain("The task qmstart 108 on pve1 failed: start failed: QEMU exited with code 1");
    expect(error.tried?.[0]).toMatch(/^UPID:pve1:.*:qmstart:108:ops@pve!mcp:$/);
    expect(error.data).toMatchObject({ exitstatus: "start failed: QEMU exited with code 1" });
  });

  test("a failure that has a remedy names it", async () => {
    const sandbox = await sandboxOf();
    const client = clientOf(sandbox.connection);
    expect(await failure(client.write("POST", "/nodes/pve3/qemu/109/status/start", {}, watched()))).toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("VM is locked (backup)"),
      data: { because: "CONFLICT" },
      next: expect.stringContaining("Wait for it to end"),
    });
  });

  test("the log's last lines stand in the message, however long it is", async () => {
    const sandbox = await sandboxOf();
    const lines = Array.from({ length: 70 }, (_, n) => ({ n: n + 1, t: `line ${n + 1}` }));
    const page = (from: number, to: number) => ({ data: lines.slice(from, to), total: 70 });
    sandbox.fail({ path: "/log", status: 200, reason: "OK", body: page(0, 50), times: 1 });
    sandbox.fail({ path: "/log", status: 200, reason: "OK", body: page(64, 70), times: 1 });
    const error = await failure(clientOf(sandbox.connection).write("POST", "/nodes/pve3/qemu/109/status/start", {}, watched()));
    expect(error.message).toContain("line 65 / line 66 / line 67 / line 68 / line 69 / line 70");
    expect(String(sandbox.requests.findLast(({ path }) => path.endsWith("/log"))?.query)).toBe("start=64&limit=6");
  });

  test("warnings are no failure, but they are said", async () => {
    const sandbox = await sandboxOf();
    sandbox.fail({ path: "/status/start", taskError: "WARNINGS: 2" });
    const call = watched();
    await clientOf(sandbox.connection).write("POST", START, {}, call);
    expect(call.notes).toEqual([expect.stringMatching(/^The task ended with warnings: 2.* UPID:pve1:/)]);
  });

  test("a lock that could not be had is tried again, as nothing was done yet", async () => {
    const sandbox = await sandboxOf();
    sandbox.fail({ path: "/status/start", taskError: "can't lock file '/var/lock/qemu-server/lock-108.conf' - got timeout", times: 2 });
    await clientOf(sandbox.connection).write("POST", START, {}, watched());
    expect(sandbox.requests.filter(({ method }) => method === "POST")).toHaveLength(3);
  });

  test("but not for ever, and nothing else is", async () => {
    const sandbox = await sandboxOf();
    const client = clientOf(sandbox.connection);
    const posts = () => sandbox.requests.filter(({ method }) => method === "POST").length;
    sandbox.fail({ path: "/status/start", taskError: "can't lock file '/var/lock/qemu-server/lock-108.conf' - got timeout" });
    expect(await failure(client.write("POST", START, {}, watched()))).toMatchObject({ code: "TASK_FAILED", data: { because: "CONFLICT" } });
    expect(posts()).toBe(3);
    sandbox.heal();
    sandbox.fail({ path: "/status/start", taskError: "VM quit/powerdown failed - got timeout" });
    await failure(client.write("POST", START, {}, watched()));
    expect(posts()).toBe(4);
  });

  test("when the caller goes away the task goes on, and the error says which", async () => {
    const sandbox = await sandboxOf({ taskTime: 300 });
    const leaving = new AbortController();
    const waiting = failure(clientOf(sandbox.connection).write("POST", START, {}, { ...watched(), signal: leaving.signal }));
    while (polls(sandbox) < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    leaving.abort();
    const error = await waiting;
    expect(error.code).toBe("CANCELLED");
    expect(error.message).toMatch(/the task goes on in Proxmox: UPID:pve1:.*:qmstart:108:/);
    expect(error.data).toMatchObject({ upid: expect.stringMatching(/^UPID:/) });
  });

  test("a node that is silent for a moment does not lose us the task", async () => {
    const sandbox = await sandboxOf({ taskTime: 30 });
    sandbox.fail({ path: "%3A/status", status: 595, reason: "Connection refused", body: "", times: 3 });
    await clientOf(sandbox.connection).write("POST", START, {}, watched());
    expect(polls(sandbox)).toBeGreaterThan(3);
  });

  test("a node that stays silent does, and the error has the id to look it up by", async () => {
    const sandbox = await sandboxOf();
    sandbox.fail({ path: "%3A/status", status: 595, reason: "No route to host", body: "" });
    const error = await failure(clientOf(sandbox.connection).write("POST", START, {}, watched()));
    expect(error).toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("was started, but it can't be watched: Node pve1") });
    expect(error.tried?.at(-1)).toMatch(/^UPID:/);
  });
});
