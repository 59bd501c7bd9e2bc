import { describe, expect, it } from "vitest";
import { failure, openTapes } from "../../fixtures/tape-app.js";

const three = { cartridges: [{ barcode: "T1" }, { barcode: "T2" }, { barcode: "T3" }] };

describe("a question about what can be listed only within something", () => {
  it("is asked within each: one call for the parents and one for each of them", async () => {
    const { app, room } = await openTapes({ main: three });
    const { items, total } = await app.query("tracks");
    expect(total).toBe(9);
    expect(new Set(items.map((item) => item["cartridge"]))).toEqual(new Set(["T1", "T2", "T3"]));
    expect(room("main").calls).toEqual(["list", "tracks", "tracks", "tracks"]);
  });

  it("asks only within those that the filter leaves", async () => {
    const { app, room } = await openTapes({ main: three });
    expect((await app.query("how many tracks with cartridge T2")).aggregate).toEqual({ op: "count", value: 3 });
    expect(room("main").calls).toEqual(["list", "tracks"]);
  });

  it("has the others' rows where one parent fails", async () => {
    const { app, room } = await openTapes({ main: three, vault: { cartridges: [{ barcode: "V1" }] } });
    let asked = 0;
    room("main").fault = (call) => {
      if (call === "tracks" && ++asked === 2) throw new Error("the tape is torn");
    };
    const { total, errors } = await app.query("tracks");
    expect(total).toBe(9);
    expect(errors).toEqual([expect.objectContaining({ connection: "main", source: "T2", message: expect.stringContaining("torn") })]);
  });

  it("reaches no more than the tools: where the parents may not be listed, neither may what is in them", async () => {
    const { app, room } = await openTapes({ main: three }, { tools: { deny: ["tape_cartridge_list"] } });
    expect(await failure(app.query("tracks"))).toMatchObject({ code: "NO_CONNECTION" });
    expect(room("main").calls).toEqual([]);
  });
});
