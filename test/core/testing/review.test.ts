import { describe, expect, it } from "vitest";
import { testProvider } from "proxmcp/testing";
import { type Flaw, shelf } from "../../fixtures/shelf.js";

const inputs = { shelf_box_create: { name: "glue" } };

const reviewOf = async (...flaws: readonly Flaw[]): Promise<string> => {
  try {
    await testProvider(shelf(...flaws), { inputs });
    return "sound";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a review", () => {
  it("finds nothing in a sound provider, and says what it could not try", async () => {
    expect(await testProvider(shelf(), { inputs })).toMatchObject({ untried: [] });
    const { untried, checks } = await testProvider(shelf());
    expect(untried).toEqual(["shelf_box_create"]);
    expect(checks.length).toBeGreaterThan(12);
  });

  it.each<readonly [flaw: Flaw, check: string, says: readonly string[]]>([
    ["narrow filter", "leaves out nothing that fits a filter", ["shelf_box_list", '{"status":["closed"]}', '"nails"']],
    ["other weight in get", "says the same of an item in list and get", ["shelf_box_get", "weight is 901, list says 900"]],
    ["get without weight", "says the same of an item in list and get", ["leaves out weight, which list says is 900"]],
    ["colour missing in list", "says the same of an item in list and get", ["never says colour", "declare the facet `detail` or `onDemand`"]],
    ["peek removes", "changes nothing by what it says is a read", ["shelf_box_peek", "lists saw no more", "write() or destructive()"]],
    ["delete keeps", "does what its actions say, and reads it back", ["shelf_box_delete"]],
    ["create elsewhere", "does what its actions say, and reads it back", ["shelf_box_create", '"glue", which shelf_box_list does not list']],
    ["open of nothing", "says NOT_FOUND of what is not there", ["shelf_box_open", "all went well"]],
    ["error for missing", "says NOT_FOUND of what is not there", ["shelf_box_get", "UPSTREAM"]],
    ["swallows errors", "maps what goes wrong to codes and words", ["shelf_box_list", "answers 401, it answers as if all were well"]],
    ["raw errors", "maps what goes wrong to codes and words", ["answers 500, it says INTERNAL"]],
    ["no signal", "ends a cancelled call and frees its socket", ["shelf_box_list: cancelled, it leaves its request open"]],
    ["no signal", "keeps its deadline", ["some requests are still open"]],
    ["session in errors", "keeps secrets out of answers, errors and logs", ["what it sends as authorization"]],
    ["timer left", "leaves nothing open when it is closed", ["Timeout"]],
    ["same name twice", "answers every list, whole and to its schema", ['two rows have the address {"name":"nails"}']],
  ])("of one with the flaw '%s' says that it does not pass '%s'", async (flaw, check, says) => {
    const review = await reviewOf(flaw);
    expect(review).toContain("shelf needs ");
    expect(review).toContain(`It ${check}: no.`);
    for (const part of says) expect(review).toContain(part);
  });

  it("shows no secret that the core knows of", async () => {
    expect(await reviewOf("token in errors")).toBe("sound");
  });

  it("gives a test runner a test for each check", async () => {
    const tests = new Map<string, () => Promise<void>>();
    await testProvider(shelf("narrow filter"), { test: (name, run) => tests.set(name, run) });
    await expect(tests.get("is declared soundly")?.()).resolves.toBeUndefined();
    await expect(tests.get("leaves out nothing that fits a filter")?.()).rejects.toThrow("shelf needs 2 changes");
  });

  it("reads a real platform and changes nothing there", async () => {
    const plugin = shelf();
    const sandbox = await (await plugin.sandbox?.())?.start();
    const { checks } = await testProvider(plugin, { connection: sandbox?.connection ?? {} });
    expect(checks).toContain("leaves out nothing that fits a filter");
    expect(checks).not.toContain("changes nothing by what it says is a read");
    expect(new Set(sandbox?.requests.map(({ method }) => method))).toEqual(new Set(["GET"]));
    await testProvider(plugin, { connection: sandbox?.connection ?? {}, inputs });
    expect(sandbox?.requests.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /boxes"]);
    await sandbox?.close();
  });

  it("says what is missing where there is neither a sandbox nor a connection", async () => {
    const { sandbox: _, ...bare } = shelf();
    await expect(testProvider(bare)).rejects.toThrow("It has no sandbox");
  });
});
