import { describe, expect, it } from "vitest";
import { CLOCK } from "proxmcp";
import { type LibrarySetup, failure, openTapes, stillClock, type TapeApp } from "../../fixtures/tape-app.js";

const three: LibrarySetup = { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }, { barcode: "T00003" }] };

async function tokenOf({ call }: TapeApp, tool: string, args: Record<string, unknown>): Promise<string> {
  const error = await failure(call(tool, args));
  expect(error.code).toBe("CONFIRMATION_REQUIRED");
  return String(error.data?.["confirm"]);
}

describe("a call that has to be confirmed", () => {
  it("is refused by default, does nothing, and says what would happen", async () => {
    const { call, room } = await openTapes({ main: three, vault: {} });
    const error = await failure(call("tape_cartridge_delete", { barcode: "T00001", library: "main" }));
    expect(error.code).toBe("CONFIRMATION_REQUIRED");
    expect(error.message).toMatch(/Delete.*"T00001".*library main.*Everything on it is lost/);
    expect(error.data?.["confirm"]).toEqual(expect.any(String));
    expect(room("main").calls).toEqual([]);
  });

  it("names the owner of what is nested", async () => {
    const { call } = await openTapes({ main: three });
    const error = await failure(call("tape_track_delete", { name: "track-1", cartridge: "T00002" }));
    expect(error.message).toMatch(/"track-1" of T00002 on library main/);
  });

  it("is carried out when the user says yes, and declined when not", async () => {
    const { call, room } = await openTapes({ main: three });
    const asked: string[] = [];
    const answer = (yes: boolean) => async (question: string) => {
      asked.push(question);
      return yes;
    };
    expect(await failure(call("tape_cartridge_delete", { barcode: "T00001" }, { confirm: answer(false) }))).toMatchObject({ code: "DECLINED" });
    expect(room("main").cartridges).toHaveLength(3);
    expect(await call("tape_cartridge_delete", { barcode: "T00001" }, { confirm: answer(true) })).toMatchObject({ deleted: true });
    expect(room("main").cartridges).toHaveLength(2);
    expect(asked).toEqual([expect.stringContaining("T00001"), expect.stringContaining("T00001")]);
  });

  it("is not asked about when its arguments are wrong or its item does not exist", async () => {
    const { call } = await openTapes({ main: three, vault: {} });
    expect(await failure(call("tape_cartridge_delete", { barcode: "" }))).toMatchObject({ code: "INVALID_INPUT" });
    expect(await failure(call("tape_cartridge_delete", { barcode: "T00009" }))).toMatchObject({ code: "NOT_FOUND" });
  });

  it("does not go ahead when the caller left while the user was being asked", async () => {
    const { call, room } = await openTapes({ main: three });
    const caller = new AbortController();
    const confirm = async (): Promise<boolean> => {
      caller.abort();
      return true;
    };
    expect(await failure(call("tape_cartridge_delete", { barcode: "T00001" }, { confirm, signal: caller.signal }))).toMatchObject({
      code: "CANCELLED",
    });
    expect(room("main").cartridges).toHaveLength(3);
  });
});

describe("a caller that leaves while the user is being asked", () => {
  it("does not wait for the answer", async () => {
    const { call, room } = await openTapes({ main: three });
    const caller = new AbortController();
    const confirm = (): Promise<boolean> => {
      caller.abort();
      return new Promise(() => {});
    };
    expect(await failure(call("tape_cartridge_delete", { barcode: "T00001" }, { confirm, signal: caller.signal }))).toMatchObject({
      code: "CANCELLED",
    });
    expect(room("main").calls).toEqual([]);
  });
});

describe("a token", () => {
  it("is accepted once, as an argument or beside them", async () => {
    const tapes = await openTapes({ main: three });
    const first = await tokenOf(tapes, "tape_cartridge_delete", { barcode: "T00001" });
    expect(await tapes.call("tape_cartridge_delete", { barcode: "T00001", confirm: first })).toMatchObject({ deleted: true });
    const second = await tokenOf(tapes, "tape_cartridge_delete", { barcode: "T00002" });
    expect(await tapes.call("tape_cartridge_delete", { barcode: "T00002" }, { confirmToken: second })).toMatchObject({ deleted: true });
    for (const [barcode, confirm] of [
      ["T00001", first],
      ["T00002", second],
    ])
      expect(await failure(tapes.call("tape_cartridge_delete", { barcode, confirm }))).toMatchObject({
        code: "CONFIRMATION_INVALID",
        message: expect.stringContaining("used already"),
      });
    expect(tapes.room("main").cartridges).toMatchObject([{ barcode: "T00003" }]);
  });

  it("is accepted once even when it is used twice at the same time", async () => {
    const tapes = await openTapes({ main: three });
    const confirm = await tokenOf(tapes, "tape_cartridge_exec", { barcode: "T00001", milliseconds: 1 });
    const calls = [1, 2, 3].map(() => tapes.call("tape_cartridge_exec", { barcode: "T00001", milliseconds: 1, confirm }));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(tapes.room("main").calls).toEqual(["exec"]);
  });

  it("does not mind the order of the arguments, and holds whatever name the tool is called by", async () => {
    const tapes = await openTapes({ main: three }, { tools: { confirm: "write" } });
    const confirm = await tokenOf(tapes, "tape_cartridge_load", { barcode: "T00001", drive: 2 });
    expect(await tapes.call("mount_tape", { confirm, drive: 2, barcode: "T00001" })).toMatchObject({ item: { state: "loaded" } });
  });

  it("is refused for other arguments, another tool and another connection", async () => {
    const tapes = await openTapes({ main: three, vault: three }, { tools: { confirm: "write" } });
    const args = { barcode: "T00001", milliseconds: 1, library: "main" };
    const others: [string, Record<string, unknown>][] = [
      ["tape_cartridge_exec", { ...args, barcode: "T00002" }],
      ["tape_cartridge_exec", { ...args, milliseconds: 2 }],
      ["tape_cartridge_exec", { ...args, library: "vault" }],
      ["tape_cartridge_delete", { barcode: "T00001", library: "main" }],
    ];
    for (const [tool, other] of others) {
      const confirm = await tokenOf(tapes, "tape_cartridge_exec", args);
      expect(await failure(tapes.call(tool, { ...other, confirm }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    }
    expect(tapes.room("main").calls).toEqual([]);
    expect(tapes.room("vault").calls).toEqual([]);
  });

  it("is refused for another tool that takes the very same arguments", async () => {
    const tapes = await openTapes({ main: three }, { tools: { confirm: "write" } });
    const confirm = await tokenOf(tapes, "tape_cartridge_load", { barcode: "T00001" });
    expect(await failure(tapes.call("tape_cartridge_delete", { barcode: "T00001", confirm }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    expect(tapes.room("main").calls).toEqual([]);
  });

  it("is refused when the same words mean another connection by now", async () => {
    const tapes = await openTapes({ main: { cartridges: [{ barcode: "T00001" }] }, vault: {} });
    const confirm = await tokenOf(tapes, "tape_cartridge_delete", { barcode: "T00001" });
    tapes.room("vault").cartridges.push(...tapes.room("main").cartridges.splice(0));
    expect(await failure(tapes.call("tape_cartridge_delete", { barcode: "T00001", confirm }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    expect(tapes.room("vault").cartridges).toHaveLength(1);
  });

  it("is refused when it was tampered with, made up, or made by another app", async () => {
    const tapes = await openTapes({ main: three });
    const args = { barcode: "T00001" };
    const token = await tokenOf(tapes, "tape_cartridge_delete", args);
    const [body = "", mac = ""] = token.split(".");
    const claim = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
    const later = Buffer.from(JSON.stringify({ ...claim, until: Number.MAX_SAFE_INTEGER })).toString("base64url");
    const foreign = await tokenOf(await openTapes({ main: three }), "tape_cartridge_delete", args);
    const forged = [`${later}.${mac}`, `${body}.`, body, ".", "yes", "true", `${body}.${"A".repeat(mac.length)}`, foreign];
    for (const confirm of forged)
      expect(await failure(tapes.call("tape_cartridge_delete", { ...args, confirm }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    expect(tapes.room("main").cartridges).toHaveLength(3);
  });

  it("is no cursor, and a cursor is no token", async () => {
    const tapes = await openTapes({ main: three });
    const { cursor } = await tapes.call("tape_cartridge_list", { limit: 1 });
    expect(await failure(tapes.call("tape_cartridge_delete", { barcode: "T00001", confirm: cursor }))).toMatchObject({
      code: "CONFIRMATION_INVALID",
    });
    const token = await tokenOf(tapes, "tape_cartridge_delete", { barcode: "T00001" });
    expect(await failure(tapes.call("tape_cartridge_list", { limit: 1, cursor: token }))).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("expires, and is never good twice however late", async () => {
    const clock = stillClock();
    const services: NonNullable<Parameters<typeof openTapes>[1]>["services"] = (container) => container.register(CLOCK, { useValue: clock });
    const tapes = await openTapes({ main: three }, { services });
    const args = { barcode: "T00001", milliseconds: 1 };
    const late = await tokenOf(tapes, "tape_cartridge_exec", args);
    const used = await tokenOf(tapes, "tape_cartridge_exec", args);
    await tapes.call("tape_cartridge_exec", { ...args, confirm: used });
    for (const seconds of [1, 598, 1, 1]) {
      clock.advance(seconds);
      expect(await failure(tapes.call("tape_cartridge_exec", { ...args, confirm: used })), `after ${seconds} s more`).toMatchObject({
        code: "CONFIRMATION_INVALID",
      });
    }
    expect(await failure(tapes.call("tape_cartridge_exec", { ...args, confirm: late }))).toMatchObject({
      code: "CONFIRMATION_INVALID",
      message: expect.stringContaining("10 minutes"),
    });
    expect(tapes.room("main").calls).toEqual(["exec"]);
  });
});

describe("the token of one caller", () => {
  it("is nothing in the hands of another, and still good in its own", async () => {
    const tapes = await openTapes({ main: three });
    const args = { barcode: "T00001" };
    const [ann, ben] = [{ caller: { id: "ann" } }, { caller: { id: "ben" } }];
    const refusal = await failure(tapes.call("tape_cartridge_delete", args, ann));
    const confirm = String(refusal.data?.["confirm"]);
    for (const [given, options] of [
      [{ ...args, confirm }, ben],
      [{ ...args, confirm }, {}],
      [args, { ...ben, confirmToken: confirm }],
    ] as const)
      expect(await failure(tapes.call("tape_cartridge_delete", given, options))).toMatchObject({
        code: "CONFIRMATION_INVALID",
        message: expect.stringContaining("another call: caller"),
      });
    expect(tapes.room("main").cartridges).toHaveLength(3);
    expect(await tapes.call("tape_cartridge_delete", { ...args, confirm }, ann)).toMatchObject({ deleted: true });
  });
});

describe("from which safety on a call is confirmed", () => {
  /** Which of a read, a write and a destructive call are refused without a confirmation. */
  async function confirmed({ call }: TapeApp, library: string): Promise<string[]> {
    const refused: string[] = [];
    for (const [tool, args] of [
      ["tape_cartridge_get", {}],
      ["tape_cartridge_load", {}],
      ["tape_cartridge_exec", { milliseconds: 1 }],
    ] as const) {
      const outcome = await call(tool, { barcode: "T00001", library, ...args }).catch((error: { code: string }) => error.code);
      if (outcome === "CONFIRMATION_REQUIRED") refused.push(tool.split("_")[2] ?? "");
    }
    return refused;
  }
  const all = { never: [], destructive: ["exec"], write: ["load", "exec"] };

  it("is set for all", async () => {
    for (const confirm of ["never", "destructive", "write"] as const)
      expect(await confirmed(await openTapes({ main: three }, { tools: { confirm } }), "main")).toEqual(all[confirm]);
    expect(await confirmed(await openTapes({ main: three }), "main")).toEqual(all.destructive);
  });

  it("is the stricter of the general setting and the connection's", async () => {
    const order = ["never", "destructive", "write"] as const;
    for (const general of order)
      for (const own of order) {
        const tapes = await openTapes({ main: { ...three, tools: { confirm: own } }, vault: three }, { tools: { confirm: general } });
        const stricter = order[Math.max(order.indexOf(general), order.indexOf(own))] ?? "write";
        expect(await confirmed(tapes, "main"), `general ${general}, own ${own}`).toEqual(all[stricter]);
        expect(await confirmed(tapes, "vault")).toEqual(all[general]);
      }
  });

  it("shows in the input schemas: `confirm` is there when some connection asks for it", async () => {
    const takes = async (setup: Parameters<typeof openTapes>[0], confirm: "never" | "destructive" | "write") =>
      (await openTapes(setup, { tools: { confirm } })).app
        .tools("all")
        .filter((tool) => tool.inputSchema.properties?.["confirm"])
        .map((tool) => tool.operation?.verb);
    expect(await takes({ main: {} }, "never")).toEqual([]);
    expect(await takes({ main: {} }, "destructive")).toEqual(["delete", "exec", "delete"]);
    expect(await takes({ main: { tools: { confirm: "write" } }, vault: {} }, "never")).toEqual(["load", "create", "delete", "exec", "delete"]);
  });
});
