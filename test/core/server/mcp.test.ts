import { describe, expect, it } from "vitest";
import { gate, openTapes, type TapeApp, until } from "../../fixtures/tape-app.js";
import type { Progress } from "@modelcontextprotocol/client";
import { type Answer, type Asked, CLIENTS, connect, type Reply } from "./clients.js";

const one = { main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }, { barcode: "T00003" }] } };
const yes: Reply = { action: "accept", content: { confirm: true } };

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly next: string;
  readonly data?: Record<string, unknown>;
}

/** The error that a failing tool's text carries. */
function errorOf(answer: Answer): Failure {
  expect(answer.isError).toBe(true);
  expect(answer.structuredContent).toBeUndefined();
  return (JSON.parse(answer.content[0]?.text ?? "") as { error: Failure }).error;
}

/** The code of the JSON-RPC error that a request ends in. */
async function protocolError(request: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  try {
    const answer = await request;
    throw new Error(`It should have been refused, but answered ${JSON.stringify(answer)}`);
  } catch (error) {
    if (!(error as { code?: unknown }).code) throw error;
    return { code: (error as { code: unknown }).code, message: (error as Error).message };
  }
}

/** Calls that together touch every tool of the tape library. */
const EVERY_TOOL: readonly (readonly [string, Record<string, unknown>])[] = [
  ["tape_cartridge_list", {}],
  ["tape_cartridge_list", { limit: 1, where: { state: ["shelved"] } }],
  ["tape_cartridge_get", { barcode: "T00001" }],
  ["tape_cartridge_load", { barcode: "T00001", drive: 4 }],
  ["tape_cartridge_create", { barcode: "T00077" }],
  ["tape_cartridge_stats", { barcode: "T00001" }],
  ["tape_cartridge_exec", { barcode: "T00001", milliseconds: 0 }],
  ["tape_cartridge_delete", { barcode: "T00002" }],
  ["tape_track_list", { cartridge: "T00001" }],
  ["tape_track_get", { cartridge: "T00001", name: "track-2" }],
  ["tape_track_delete", { cartridge: "T00001", name: "track-2" }],
  ["connection_list", {}],
  ["connection_test", {}],
  ["inventory_overview", {}],
  ["inventory_query", { query: "tapes" }],
  ["inventory_query", { query: "" }],
  ["workload_suggest", { workload: "archive" }],
  ["workload_create", { requirement: { workload: "archive" }, dry_run: true }],
];

describe("tools/list", () => {
  it("is the same for every client of either era, and for every call of it", async () => {
    const { app, call } = await openTapes({ ...one, vault: {} }, { tools: { surface: "all" } });
    const lists = [];
    for (const kind of CLIENTS) {
      const client = await connect(kind, app);
      lists.push(await client.list());
      await call("tape_cartridge_create", { barcode: `T0008${lists.length}`, library: "main" });
      lists.push(await client.list());
    }
    for (const list of lists) expect(list).toEqual(lists[0]);
    expect(lists[0]?.map((tool) => tool["name"])).toEqual(app.tools().map((tool) => tool.name));
  });

  it("has for each tool all four hints, a title, and schemas that clients accept", async () => {
    const { app } = await openTapes({ ...one, vault: {} }, { tools: { surface: "all" } });
    const client = await connect("2025-11-25", app);
    const tools = await client.list();
    expect(tools).toHaveLength(app.tools().length);
    for (const tool of tools) {
      const safety = app.tool(String(tool["name"])).safety;
      expect(tool["annotations"], String(tool["name"])).toEqual({
        title: tool["title"],
        readOnlyHint: safety === "read",
        destructiveHint: safety === "destructive",
        idempotentHint: expect.any(Boolean),
        openWorldHint: expect.any(Boolean),
      });
      expect(tool["name"]).toMatch(/^[a-z0-9_]{1,60}$/);
      for (const side of ["inputSchema", "outputSchema"]) {
        const schema = tool[side] as Record<string, unknown>;
        expect(schema["type"]).toBe("object");
        for (const none of ["$schema", "anyOf", "oneOf", "allOf"]) expect(schema).not.toHaveProperty(none);
      }
    }
    const hints = Object.fromEntries(tools.map((tool) => [tool["name"], tool["annotations"]])) as Record<string, { idempotentHint: boolean }>;
    expect(hints["tape_cartridge_create"]?.idempotentHint).toBe(false);
    expect(hints["tape_cartridge_get"]?.idempotentHint).toBe(true);
  });

  it("is empty, with instructions that say why, when nothing is connected", async () => {
    const { app } = await openTapes({});
    const client = await connect("2025-11-25", app);
    const names = (await client.list()).map((tool) => tool["name"]);
    expect(names).toContain("connection_list");
    expect(names.filter((name) => String(name).startsWith("tape_"))).toEqual([]);
    expect(client.instructions).toContain("proxmcp demo");
  });
});

describe.each(CLIENTS)("a client of %s", (kind) => {
  it("gets structured content that its output schema allows, and the same as text, from every tool", async () => {
    for (const libraries of [one, { ...one, vault: { jammed: true } }]) {
      const { app } = await openTapes(libraries, { tools: { surface: "all", confirm: "never" } });
      const client = await connect(kind, app);
      await client.list(); // from now on the client checks
      const several = Object.keys(libraries).length > 1;
      for (const [tool, args] of EVERY_TOOL) {
        const named = several && tool.startsWith("tape_") && !tool.endsWith("_list") ? { ...args, library: "main" } : args;
        const answer = await client.call(tool, named);
        expect(answer.isError, `${tool}: ${answer.content[0]?.text}`).toBeFalsy();
        expect(answer.content).toEqual([{ type: "text", text: expect.any(String) }]);
        expect(JSON.parse(answer.content[0]?.text ?? "")).toEqual(answer.structuredContent);
      }
      expect(new Set(EVERY_TOOL.map(([tool]) => tool))).toEqual(new Set(app.tools().map((tool) => tool.name)));
      expect(client.complaints).toEqual([]);
    }
  });

  // The output schema of a write still requires the item that could not be read back.
  it("is told of a write that was carried out, though its item can't be read back", async () => {
    const { app, room } = await openTapes(one);
    const client = await connect(kind, app);
    await client.list();
    room("main").fault = (made) => {
      if (made === "get") throw new Error("The robot is jammed.");
    };
    const answer = await client.call("tape_cartridge_load", { barcode: "T00001" });
    expect(answer.isError).toBeFalsy();
    expect(answer.structuredContent?.["notes"]).toEqual([expect.stringContaining("carried out")]);
  });

  it("gets the results of the search surface, too", async () => {
    const { app } = await openTapes(one, { tools: { surface: "search", confirm: "never" } });
    const client = await connect(kind, app);
    expect((await client.list()).map((tool) => tool["name"])).toEqual(["tool_find", "tool_describe", "tool_call"]);
    for (const [tool, args] of [
      ["tool_find", { query: "tapes" }],
      ["tool_find", {}],
      ["tool_describe", { name: "tape_cartridge_load" }],
      ["tool_call", { name: "tape_cartridge_load", arguments: { barcode: "T00001" } }],
      ["tape_cartridge_list", {}],
    ] as const) {
      const answer = await client.call(tool, args);
      expect(answer.isError).toBeFalsy();
      expect(JSON.parse(answer.content[0]?.text ?? "")).toEqual(answer.structuredContent);
    }
  });

  it("gets -32602 for a tool that is not there, or not allowed, under any name", async () => {
    const { app, room } = await openTapes(one, { tools: { deny: ["tape_cartridge_load"] } });
    const client = await connect(kind, app);
    for (const name of ["nothing", "", "__proto__", "tool_call", "tape_cartridge_load", "mount_tape"])
      expect(await protocolError(client.call(name, { barcode: "T00001" })), name).toMatchObject({ code: -32602 });
    expect(room("main").calls).toEqual([]);
  });

  it("gets an answer, not a protocol error, for a tool that does not exist behind tool_call", async () => {
    const { app } = await openTapes(one, { tools: { surface: "search", deny: ["*_delete"] } });
    const client = await connect(kind, app);
    for (const name of ["nothing", "tape_cartridge_delete"]) {
      expect(errorOf(await client.call("tool_call", { name, arguments: {} }))).toMatchObject({ code: "TOOL_UNKNOWN" });
      expect(errorOf(await client.call("tool_describe", { name })).message).toContain("Near:");
    }
  });

  it("gets isError with code, message and next step from a tool that fails", async () => {
    const { app } = await openTapes({ main: { ...one.main, tools: { deny: ["*_stats"] } }, vault: { jammed: true } });
    const client = await connect(kind, app);
    await client.list();
    for (const [tool, args, code] of [
      ["tape_cartridge_get", { barcode: "T00009", library: "main" }, "NOT_FOUND"],
      ["tape_cartridge_get", {}, "INVALID_INPUT"],
      ["tape_cartridge_list", { library: "vault" }, "UNREACHABLE"],
      ["tape_cartridge_list", { library: "cellar" }, "CONNECTION_UNKNOWN"],
      ["tape_cartridge_load", { barcode: "T00001" }, "CONNECTION_UNCERTAIN"],
      ["tape_cartridge_stats", { barcode: "T00001", library: "main" }, "TOOL_DENIED"],
    ] as const) {
      const error = errorOf(await client.call(tool, args));
      expect(error.code).toBe(code);
      expect(error.message).not.toBe("");
      expect(error.next).not.toBe("");
    }
  });

  it("can call by an alias", async () => {
    const { app } = await openTapes(one);
    const client = await connect(kind, app);
    expect((await client.call("mount_tape", { barcode: "T00001" })).structuredContent).toMatchObject({ item: { state: "loaded" } });
  });

  it("gets progress only when it asks for it, only forward, and none after the end", async () => {
    const { app, room } = await openTapes(one, { tools: { confirm: "never" }, limits: { writeTimeout: 0.05 } });
    const client = await connect(kind, app);
    await client.call("tape_cartridge_load", { barcode: "T00001" });
    const seen: Progress[] = [];
    const onprogress = (progress: Progress): void => void seen.push(progress);
    await client.call("tape_cartridge_load", { barcode: "T00001" }, { onprogress });
    expect(seen).toMatchObject([
      { progress: 1, total: 2, message: "arm moving" },
      { progress: 2, total: 2, message: "in drive" },
    ]);
    seen.length = 0;
    await client.call("tape_cartridge_exec", { barcode: "T00001", milliseconds: 0 }, { onprogress });
    expect(seen.map(({ progress }) => progress)).toEqual([1, 2]);
    seen.length = 0;
    // The plugin goes on after the deadline, and reports: nobody is there to hear it any more.
    const late = await client.call("tape_cartridge_exec", { barcode: "T00001", milliseconds: 80 }, { onprogress });
    expect(errorOf(late).code).toBe("TIMEOUT");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(seen).toMatchObject([{ progress: 1, message: "seeking" }]);
    expect(room("main").aborted).toEqual(["exec"]);
    expect(client.complaints).toEqual([]);
  });

  it("can cancel: the plugin's signal is aborted", async () => {
    const { app, room } = await openTapes(one);
    const client = await connect(kind, app);
    const { closed, open } = gate();
    room("main").gate = closed;
    const controller = new AbortController();
    const call = client.call("tape_cartridge_load", { barcode: "T00001" }, { signal: controller.signal }).then(
      () => "answered",
      () => "gone",
    );
    await until(() => room("main").calls.length === 1);
    controller.abort();
    expect(await call).toBe("gone");
    await until(() => room("main").aborted.length === 1);
    open();
    expect(room("main").aborted).toEqual(["load"]);
    expect((await client.call("tape_cartridge_list")).isError).toBeFalsy();
  });

  it("that goes away aborts what it had under way", async () => {
    const { app, room } = await openTapes(one);
    const client = await connect(kind, app);
    room("main").gate = new Promise(() => {});
    const call = client.call("tape_cartridge_load", { barcode: "T00001" }).catch(() => "gone");
    await until(() => room("main").calls.length === 1);
    await client.close();
    expect(await call).toBe("gone");
    await until(() => room("main").aborted.length === 1);
  });
});

describe.each(CLIENTS)("confirming with a client of %s", (kind) => {
  const deletion = { barcode: "T00001" };

  async function ask(tapes: TapeApp, elicit: ((asked: Asked) => Reply | Promise<Reply>) | undefined, capability?: { form?: object; url?: object }) {
    return await connect(kind, tapes.app, { ...(elicit ? { elicit } : {}), ...(capability ? { capability } : {}) });
  }

  it("asks through the client, saying what will be lost, and goes ahead on yes", async () => {
    const tapes = await openTapes(one);
    const asked: Asked[] = [];
    const client = await ask(tapes, (question) => (asked.push(question), yes));
    await client.list();
    const answer = await client.call("tape_cartridge_delete", deletion);
    expect(answer.structuredContent).toEqual({ deleted: true, barcode: "T00001" });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.message).toMatch(/Delete.*T00001.*library main.*Everything on it is lost/);
    expect(asked[0]?.requestedSchema).toMatchObject({ type: "object", properties: { confirm: { type: "boolean" } } });
    expect(JSON.stringify(asked)).not.toMatch(/[\w-]{40,}\.[\w-]{20,}/);
    expect(tapes.room("main").cartridges).toHaveLength(2);
  });

  it("does nothing on anything but a clear yes", async () => {
    const tapes = await openTapes(one);
    const replies: Reply[] = [
      { action: "decline" },
      { action: "cancel" },
      { action: "accept", content: { confirm: false } },
      { action: "decline", content: { confirm: true } },
    ];
    for (const reply of replies) {
      const client = await ask(tapes, () => reply);
      const error = errorOf(await client.call("tape_cartridge_delete", deletion));
      expect(error.code).toBe("DECLINED");
      expect(error.next).toContain("confirmBy");
    }
    expect(tapes.room("main").calls).toEqual([]);
  });

  it("asks anew for each call", async () => {
    const tapes = await openTapes(one);
    let asked = 0;
    const client = await ask(tapes, () => ((asked += 1), yes));
    await client.call("tape_cartridge_delete", deletion);
    await client.call("tape_cartridge_delete", { barcode: "T00002" });
    expect(asked).toBe(2);
  });

  it("asks for calls through tool_call as well", async () => {
    const tapes = await openTapes(one, { tools: { surface: "search" } });
    const client = await ask(tapes, () => yes);
    const answer = await client.call("tool_call", { name: "tape_cartridge_delete", arguments: deletion });
    expect(answer.structuredContent).toMatchObject({ deleted: true });
  });

  it("does not count the time that the user takes", async () => {
    const tapes = await openTapes(one, { limits: { readTimeout: 0.05, writeTimeout: 0.05 } });
    const client = await ask(tapes, async () => {
      await new Promise((resolve) => setTimeout(resolve, 90));
      return yes;
    });
    expect((await client.call("tape_cartridge_delete", deletion)).structuredContent).toMatchObject({ deleted: true });
  });

  it("gives out a token where the client has no elicitation, good for one call", async () => {
    const tapes = await openTapes(one);
    const client = await ask(tapes, undefined);
    const error = errorOf(await client.call("tape_cartridge_delete", deletion));
    expect(error).toMatchObject({ code: "CONFIRMATION_REQUIRED", data: { confirm: expect.any(String) } });
    expect(error.next).toMatch(/Ask the user.*confirm/);
    const confirm = error.data?.["confirm"];
    expect((await client.call("tape_cartridge_delete", { ...deletion, confirm })).structuredContent).toMatchObject({ deleted: true });
    expect(errorOf(await client.call("tape_cartridge_delete", { ...deletion, confirm })).code).toBe("CONFIRMATION_INVALID");
    expect(tapes.room("main").cartridges).toHaveLength(2);
  });

  it("gives out a token where it is told to, and where the client elicits by link only", async () => {
    let asked = 0;
    const count = (): Reply => ((asked += 1), yes);
    const told = await openTapes(one, { tools: { confirmBy: "token" } });
    const linked = await openTapes(one);
    for (const client of [await ask(told, count), await ask(linked, count, { url: {} })]) {
      const error = errorOf(await client.call("tape_cartridge_delete", deletion));
      expect(error).toMatchObject({ code: "CONFIRMATION_REQUIRED", data: { confirm: expect.any(String) } });
    }
    expect(asked).toBe(0);
  });

  it("asks for a plain yes where the client names its form of elicitation", async () => {
    const tapes = await openTapes(one);
    const client = await ask(tapes, () => yes, { form: {} });
    expect((await client.call("tape_cartridge_delete", deletion)).structuredContent).toMatchObject({ deleted: true });
  });

  it("does nothing when the client fails to ask", async () => {
    const tapes = await openTapes(one);
    const client = await ask(tapes, () => {
      throw new Error("no window");
    });
    const outcome = await client.call("tape_cartridge_delete", deletion).then(
      (answer) => answer.isError,
      () => true,
    );
    expect(outcome).toBe(true);
    expect(tapes.room("main").calls).toEqual([]);
  });
});

describe("a client of 2026-07-28 that answers what was never asked", () => {
  it("can't confirm one call with the state of another", async () => {
    const tapes = await openTapes(one);
    const client = await rawModern(tapes);
    const first = await client("tape_cartridge_delete", { barcode: "T00001" });
    expect(first).toMatchObject({ resultType: "input_required", requestState: expect.any(String) });
    const reply = { confirm: { action: "accept", content: { confirm: true } } };
    const swapped = await client("tape_cartridge_delete", { barcode: "T00002" }, { inputResponses: reply, requestState: first["requestState"] });
    expect(errorOf(swapped as unknown as Answer).code).toBe("CONFIRMATION_INVALID");
    const stateless = await client("tape_cartridge_delete", { barcode: "T00001" }, { inputResponses: reply });
    expect(stateless).toMatchObject({ resultType: "input_required" });
    const forged = await client("tape_cartridge_delete", { barcode: "T00001" }, { inputResponses: reply, requestState: "yes" });
    expect(errorOf(forged as unknown as Answer).code).toBe("CONFIRMATION_INVALID");
    expect(tapes.room("main").calls).toEqual([]);
    const right = await client("tape_cartridge_delete", { barcode: "T00001" }, { inputResponses: reply, requestState: first["requestState"] });
    expect(right).toMatchObject({ structuredContent: { deleted: true } });
    const again = await client("tape_cartridge_delete", { barcode: "T00001" }, { inputResponses: reply, requestState: first["requestState"] });
    expect(errorOf(again as unknown as Answer).code).toBe("CONFIRMATION_INVALID");
    expect(tapes.room("main").cartridges).toHaveLength(2);
  });
});

/** A client without an SDK: sends `tools/call` as it stands. */
async function rawModern({ app }: TapeApp) {
  const { InMemoryTransport } = await import("@modelcontextprotocol/client");
  const { serveStdio } = await import("@modelcontextprotocol/server/stdio");
  const { createMcpServer } = await import("../../../core/server/mcp.js");
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  serveStdio(() => createMcpServer(app), { transport: serverSide });
  const waiting = new Map<number, (result: Record<string, unknown>) => void>();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport has no other way
  clientSide.onmessage = (message) => {
    if (!("id" in message)) return;
    const answer = "result" in message ? message.result : { error: "error" in message ? message.error : undefined };
    waiting.get(Number(message.id))?.(answer);
  };
  await clientSide.start();
  let id = 0;
  return async (name: string, args: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
    id += 1;
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(id, resolve);
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
    };
    await clientSide.send({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args, _meta, ...more } } as never);
    return await promise;
  };
}
