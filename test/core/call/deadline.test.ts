import { describe, expect, it, onTestFinished, vi } from "vitest";
import { withDeadline } from "../../../core/call/deadline.js";
import { failure, openTapes, until } from "../../fixtures/tape-app.js";

const one = { main: { cartridges: [{ barcode: "T00001" }] } };
const never = new Promise<void>(() => {});

describe("the deadline of a call", () => {
  it("ends a read whose plugin does not listen, and aborts its signal", async () => {
    const { call, room } = await openTapes(one, { limits: { readTimeout: 0.05, writeTimeout: 60 } });
    room("main").gate = never;
    for (const [tool, args] of [
      ["tape_cartridge_list", {}],
      ["tape_cartridge_get", { barcode: "T00001" }],
      ["tape_cartridge_stats", { barcode: "T00001" }],
    ] as const) {
      const error = await failure(call(tool, args));
      expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(new RegExp(`${tool}.*0.05 s`)) });
      expect(error.next).toContain("limits");
    }
    expect(room("main").aborted).toEqual(["list", "get"]);
  });

  it("of a write is another one", async () => {
    const { call, room } = await openTapes(one, { limits: { readTimeout: 60, writeTimeout: 0.05 } });
    room("main").gate = never;
    expect(await failure(call("tape_cartridge_load", { barcode: "T00001" }))).toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("0.05 s"),
    });
    expect(room("main").aborted).toEqual(["load"]);
  });

  it("does not run while the user is being asked", async () => {
    const { call } = await openTapes(one, { limits: { readTimeout: 0.05, writeTimeout: 0.05 } });
    const confirm = async (): Promise<boolean> => {
      await new Promise((resolve) => setTimeout(resolve, 90));
      return true;
    };
    expect(await call("tape_cartridge_delete", { barcode: "T00001" }, { confirm })).toMatchObject({ deleted: true });
  });

  it("counts waiting for a free place", async () => {
    const { call, room } = await openTapes(one, { limits: { readTimeout: 0.05, concurrency: 1 } });
    room("main").gate = never;
    const calls = ["T00001", "T00002"].map((barcode) => failure(call("tape_cartridge_get", { barcode })));
    expect(await Promise.all(calls)).toMatchObject([{ code: "TIMEOUT" }, { code: "TIMEOUT" }]);
    expect(room("main").calls).toEqual(["get"]);
  });

  it("does not turn a write that was carried out into a failure when only reading it back takes too long", async () => {
    const { call, room } = await openTapes(one, { limits: { readTimeout: 0.05, writeTimeout: 0.2 } });
    room("main").fault = (made) => {
      if (made === "load") room("main").gate = never;
    };
    const value = await call("tape_cartridge_load", { barcode: "T00001" });
    expect(value["notes"]).toEqual([expect.stringMatching(/carried out.*could not be read back/)]);
    expect(room("main").cartridges).toMatchObject([{ state: "loaded" }]);
  });
});

describe("an overview", () => {
  it("does not wait for ever for a connection that hangs", async () => {
    const { call, room } = await openTapes({ ...one, vault: {} });
    room("vault").gate = never;
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const overview = call("inventory_overview");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await overview).toMatchObject({
      connections: [
        { connection: "main", health: "ok", kinds: { cartridge: { total: 1 } } },
        { connection: "vault", health: "down" },
      ],
      errors: [{ code: "TIMEOUT", connection: "vault" }],
    });
  });
});

describe("cancelling", () => {
  it("ends the call at once and aborts the plugin's signal", async () => {
    const { call, room } = await openTapes(one);
    room("main").gate = never;
    const caller = new AbortController();
    const left = failure(call("tape_cartridge_load", { barcode: "T00001" }, { signal: caller.signal }));
    await until(() => room("main").calls.length === 1);
    caller.abort();
    const error = await left;
    expect(error.code).toBe("CANCELLED");
    expect(error.next).toContain("may still take effect");
    expect(room("main").aborted).toEqual(["load"]);
  });

  it("leaves no listener behind on the caller's signal", async () => {
    let added = 0;
    const watched = {
      aborted: false,
      addEventListener: () => void (added += 1),
      removeEventListener: () => void (added -= 1),
    } as unknown as AbortSignal;
    await withDeadline(1, "work", watched, async () => "done");
    await expect(
      withDeadline(1, "work", watched, async () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(added).toBe(0);
  });
});
