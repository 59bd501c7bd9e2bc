import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { failure, openTapes } from "../../fixtures/tape-app.js";

const one = { main: { cartridges: [{ barcode: "T00001" }] } };

/** The faults of a call that must not reach the platform. */
async function faults(tool: string, args: Record<string, unknown>): Promise<readonly string[]> {
  const { call, room } = await openTapes(one);
  const error = await failure(call(tool, args, { confirm: true }));
  expect(error.code).toBe("INVALID_INPUT");
  expect(room("main").calls).toEqual([]);
  return error.data?.["faults"] as string[];
}

describe("arguments", () => {
  it("are checked all at once, before anything is sent; each fault says what was found and what is allowed", async () => {
    const found = await faults("tape_cartridge_list", { limit: 0, cursor: 7, where: { colour: "red", state: ["lost"] }, sort: "up" });
    expect(found).toEqual([
      expect.stringMatching(/^sort: no such argument; allowed: where, limit, cursor$/),
      expect.stringMatching(/^cursor: found 7; allowed: text$/),
      expect.stringMatching(
        /^where\.colour: no such filter; allowed: barcode, label, generation, state, capacity, used, mounts, write_protected, pools/,
      ),
      expect.stringMatching(/^where\.state: found "lost"; allowed: shelved, loaded, worn$/),
      expect.stringMatching(/^limit: found 0; allowed: a whole number from 1 to 1000$/),
    ]);
  });

  it("of an action are held to its schema", async () => {
    expect(await faults("tape_cartridge_load", { barcode: "T00001", drive: 9 })).toEqual([expect.stringMatching(/^drive: found 9; /)]);
    expect(await faults("tape_cartridge_load", { barcode: "T00001", drive: "2" })).toEqual([expect.stringMatching(/^drive: found "2"; /)]);
    expect(await faults("tape_cartridge_create", { barcode: "tape" })).toEqual([expect.stringMatching(/^barcode: found "tape"; /)]);
    expect(await faults("tape_cartridge_create", {})).toEqual([expect.stringMatching(/^barcode: found nothing; /)]);
  });

  it("get the schema's defaults", async () => {
    const { call } = await openTapes(one);
    expect(await call("tape_cartridge_load", { barcode: "T00001", drive: 4 })).toMatchObject({ notes: ["Drive 4 is slow."] });
    expect(await call("tape_cartridge_load", { barcode: "T00001" })).not.toHaveProperty("notes");
  });

  it("must say which item is meant", async () => {
    for (const barcode of [undefined, null, "", "  ", {}, [], true, ["T00001"]])
      expect(await faults("tape_cartridge_delete", { barcode })).toEqual([expect.stringMatching(/^barcode: .*has to be said$/)]);
  });

  it("must say the owner of what is nested", async () => {
    expect(await faults("tape_track_list", {})).toEqual([expect.stringMatching(/^cartridge: found nothing; /)]);
    expect(await faults("tape_track_get", { name: "track-1", cartridge: 5 })).toEqual([expect.stringMatching(/^cartridge: found 5; /)]);
  });

  it("of another kind of call are not taken", async () => {
    expect(await faults("tape_cartridge_get", { barcode: "T00001", limit: 5 })).toEqual([expect.stringMatching(/^limit: no such argument/)]);
    expect(await faults("tape_cartridge_get", { barcode: "T00001", where: {} })).toEqual([expect.stringMatching(/^where: no such argument/)]);
  });

  it("called like what every object has are refused like any other unknown one", async () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const args = JSON.parse(`{"barcode": "T00001", "${name}": {"drive": 2}}`) as Record<string, unknown>;
      expect(await faults("tape_cartridge_load", args)).toEqual([expect.stringContaining(`${name}: no such argument; allowed: barcode, drive`)]);
      const where = JSON.parse(`{"where": {"${name}": "x"}}`) as Record<string, unknown>;
      expect(await faults("tape_cartridge_list", where)).toEqual([expect.stringContaining(`where.${name}: no such filter; allowed: barcode`)]);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("of any shape give an answer or an error of the catalogue, never a crash", async () => {
    const { app, call } = await openTapes({ main: one.main, vault: one.main });
    const names = [...new Set(app.tools("all").flatMap((tool) => Object.keys(tool.inputSchema.properties ?? {})))];
    const args = fc.dictionary(fc.constantFrom(...names, "__proto__", "other"), fc.jsonValue({ maxDepth: 3 }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...app.tools("all").map((tool) => tool.name)), args, async (tool, given) => {
        const outcome = await call(tool, given, { confirm: async () => false }).catch((error: { code?: string }) => error.code ?? String(error));
        expect(outcome).not.toBe("INTERNAL");
        if (typeof outcome === "string") expect(outcome).toMatch(/^[A-Z_]+$/);
      }),
      { numRuns: 400 },
    );
  });
});
