import { describe, expect, it } from "vitest";
import { CLOCK, type Setup } from "proxmcp";
import { failure, gate, openTapes, stillClock, until } from "../../fixtures/tape-app.js";

const one = { main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }] } };

describe("identical reads under way", () => {
  it("are one call to the plugin", async () => {
    const { call, room } = await openTapes(one);
    const { closed, open } = gate();
    room("main").gate = closed;
    const calls = [
      call("tape_cartridge_list"),
      call("tape_cartridge_list", { limit: 1 }),
      call("tapes-list", { where: {} }),
      call("tape_cartridge_get", { barcode: "T00001" }),
      call("tape_cartridge_get", { barcode: " T00001 " }),
    ];
    await until(() => room("main").calls.length >= 2);
    open();
    await Promise.all(calls);
    expect([...room("main").calls].sort()).toEqual(["get", "list"]);
    expect(await calls[0]).toMatchObject({ total: 2 });
    expect((await calls[1])?.["items"]).toHaveLength(1);
  });

  it("are several when they ask for different things or go to different connections", async () => {
    const { call, room } = await openTapes({ ...one, vault: one.main });
    await Promise.all([
      call("tape_cartridge_list", { where: { barcode: "T00001" }, library: "main" }),
      call("tape_cartridge_list", { where: { barcode: "T00002" }, library: "main" }),
      call("tape_cartridge_get", { barcode: "T00001", library: "main" }),
      call("tape_cartridge_get", { barcode: "T00002", library: "main" }),
      call("tape_cartridge_get", { barcode: "T00002", library: "vault" }),
    ]);
    expect([...room("main").calls].sort()).toEqual(["get", "get", "list", "list"]);
    expect(room("vault").calls).toEqual(["get"]);
  });

  it("are not shared by what is no plain read: actions run for each call", async () => {
    const { call, room } = await openTapes(one);
    await Promise.all([1, 2, 3].map(() => call("tape_cartridge_stats", { barcode: "T00001" })));
    expect(room("main").calls).toEqual(["stats", "stats", "stats"]);
  });

  it("fail together, and the next one asks again", async () => {
    const { call, room } = await openTapes(one);
    room("main").fault = () => {
      throw new Error("no arm");
    };
    const failures = await Promise.all([1, 2].map(() => failure(call("tape_cartridge_list"))));
    expect(failures).toMatchObject([{ code: "INTERNAL" }, { code: "INTERNAL" }]);
    room("main").fault = undefined;
    expect(await call("tape_cartridge_list")).toMatchObject({ total: 2 });
    expect(room("main").calls).toHaveLength(2);
  });
});

describe("callers that leave", () => {
  it("one leaving does not abort the other's read", async () => {
    const { call, room } = await openTapes(one);
    const { closed, open } = gate();
    room("main").gate = closed;
    const leaver = new AbortController();
    const left = failure(call("tape_cartridge_list", {}, { signal: leaver.signal }));
    const stayed = call("tape_cartridge_list");
    await until(() => room("main").calls.length === 1);
    leaver.abort();
    expect(await left).toMatchObject({ code: "CANCELLED" });
    expect(room("main").aborted).toEqual([]);
    open();
    expect(await stayed).toMatchObject({ total: 2 });
    expect(room("main").calls).toEqual(["list"]);
  });

  it("the last one leaving aborts the plugin's signal, and nobody joins what was given up", async () => {
    const { call, room } = await openTapes(one);
    const { closed, open } = gate();
    room("main").gate = closed;
    const callers = [new AbortController(), new AbortController()];
    const left = callers.map(({ signal }) => failure(call("tape_cartridge_list", {}, { signal })));
    await until(() => room("main").calls.length === 1);
    callers[0]?.abort();
    await left[0];
    expect(room("main").aborted).toEqual([]);
    callers[1]?.abort();
    expect(await left[1]).toMatchObject({ code: "CANCELLED" });
    expect(room("main").aborted).toEqual(["list"]);
    const next = call("tape_cartridge_list");
    open();
    expect(await next).toMatchObject({ total: 2 });
    expect(room("main").calls).toEqual(["list", "list"]);
  });

  it("one that left before it began never reaches the plugin", async () => {
    const { call, room } = await openTapes(one);
    const signal = AbortSignal.abort();
    for (const [tool, args] of [
      ["tape_cartridge_list", {}],
      ["tape_cartridge_load", { barcode: "T00001" }],
    ] as const)
      expect(await failure(call(tool, args, { signal }))).toMatchObject({ code: "CANCELLED" });
    expect(room("main").calls).toEqual([]);
  });
});

describe("a write in between", () => {
  it("keeps later reads from joining one that began before it", async () => {
    const { call, room } = await openTapes(one);
    const { closed, open } = gate();
    room("main").gate = closed;
    const before = call("tape_cartridge_list");
    await until(() => room("main").calls.length === 1);
    room("main").gate = Promise.resolve();
    await call("tape_cartridge_create", { barcode: "T00009" });
    const after = call("tape_cartridge_list");
    await until(() => room("main").calls.includes("create"));
    expect(await after).toMatchObject({ total: 3 });
    open();
    await before;
    expect(room("main").calls).toEqual(["list", "create", "get", "list"]);
  });

  it("keeps reads that begin during it from joining one that began before it", async () => {
    const { call, room } = await openTapes(one);
    const { closed, open } = gate();
    room("main").gate = closed;
    const calls = [call("tape_cartridge_list")];
    await until(() => room("main").calls.length === 1);
    calls.push(call("tape_cartridge_load", { barcode: "T00001" }));
    await until(() => room("main").calls.length === 2);
    calls.push(call("tape_cartridge_list"));
    await until(() => room("main").calls.length === 3);
    open();
    await Promise.all(calls);
    expect(room("main").calls.filter((made) => made === "list")).toHaveLength(2);
  });

  it("keeps reads that began during it from being joined after it", async () => {
    const { call, room } = await openTapes(one);
    const writing = gate();
    room("main").gate = writing.closed;
    const write = call("tape_cartridge_load", { barcode: "T00001" });
    await until(() => room("main").calls.includes("load"));
    const reading = gate();
    room("main").gate = reading.closed;
    const during = call("tape_cartridge_get", { barcode: "T00001" });
    await until(() => room("main").calls.includes("get"));
    room("main").gate = Promise.resolve();
    writing.open();
    expect(await write).toMatchObject({ item: { state: "loaded" } });
    expect(room("main").calls).toEqual(["load", "get", "get"]);
    reading.open();
    await during;
  });

  it("makes a failed one count, too: something may have changed", async () => {
    const clock = stillClock();
    const { call, room } = await openTapes(one, { cache: { ttl: 60 }, services: (container) => container.register(CLOCK, { useValue: clock }) });
    await call("tape_cartridge_list");
    await failure(call("tape_cartridge_load", { barcode: "T00009" }));
    await call("tape_cartridge_list");
    expect(room("main").calls.filter((made) => made === "list")).toHaveLength(2);
  });
});

describe("the cache", () => {
  const cached = (ttl: number) => {
    const clock = stillClock();
    const setup: Omit<Setup, "connections"> = { cache: { ttl }, services: (container) => container.register(CLOCK, { useValue: clock }) };
    return { clock, setup };
  };

  it("keeps nothing unless it is told to", async () => {
    const { call, room } = await openTapes(one);
    await call("tape_cartridge_list");
    await call("tape_cartridge_list");
    expect(room("main").calls).toEqual(["list", "list"]);
  });

  it("answers until the time is over, notes included", async () => {
    const { clock, setup } = cached(30);
    const { call, room } = await openTapes(one, setup);
    await call("tape_cartridge_list");
    clock.advance(29.999);
    expect(await call("tape_cartridge_list", { limit: 1 })).toMatchObject({ total: 2 });
    expect(room("main").calls).toEqual(["list"]);
    clock.advance(0.001);
    await call("tape_cartridge_list");
    expect(room("main").calls).toEqual(["list", "list"]);
  });

  it("keeps no failure", async () => {
    const { setup } = cached(30);
    const { call, room } = await openTapes(one, setup);
    await failure(call("tape_cartridge_get", { barcode: "T00007" }));
    await failure(call("tape_cartridge_get", { barcode: "T00007" }));
    expect(room("main").calls).toEqual(["get", "get"]);
  });

  it("forgets a connection that is written to, and no other", async () => {
    const { setup } = cached(30);
    const { call, room } = await openTapes({ main: one.main, vault: one.main }, setup);
    await call("tape_cartridge_list");
    expect(await call("tape_cartridge_load", { barcode: "T00001", library: "main" })).toMatchObject({ item: { state: "loaded" } });
    const { items } = await call("tape_cartridge_list");
    expect(items).toMatchObject([{ state: "loaded" }, {}, { state: "shelved" }, {}]);
    expect(room("vault").calls).toEqual(["list"]);
    expect(room("main").calls).toEqual(["list", "load", "get", "list"]);
  });
});

describe("the bound on what runs at once", () => {
  it("holds for each connection by itself", async () => {
    const { call, room } = await openTapes({ main: one.main, vault: one.main }, { limits: { concurrency: 2 } });
    const { closed, open } = gate();
    room("main").gate = room("vault").gate = closed;
    const calls = ["main", "vault"].flatMap((library) => [1, 2, 3, 4, 5].map(() => call("tape_cartridge_stats", { barcode: "T00001", library })));
    await until(() => room("main").calls.length === 2 && room("vault").calls.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([room("main").calls.length, room("vault").calls.length]).toEqual([2, 2]);
    open();
    await Promise.all(calls);
    expect([room("main").calls.length, room("vault").calls.length]).toEqual([5, 5]);
  });

  it("lets one that is cancelled in the queue go without running", async () => {
    const { call, room } = await openTapes(one, { limits: { concurrency: 1 } });
    const { closed, open } = gate();
    room("main").gate = closed;
    const first = call("tape_cartridge_stats", { barcode: "T00001" });
    await until(() => room("main").calls.length === 1);
    const caller = new AbortController();
    const second = failure(call("tape_cartridge_load", { barcode: "T00001" }, { signal: caller.signal }));
    const third = call("tape_cartridge_stats", { barcode: "T00002" });
    caller.abort();
    expect(await second).toMatchObject({ code: "CANCELLED" });
    open();
    await Promise.all([first, third]);
    expect(room("main").calls).toEqual(["stats", "stats"]);
  });
});
