import { afterAll, describe, expect, it } from "vitest";
import { createProxMcp } from "proxmcp";
import { aquarium } from "../../fixtures/aquarium.js";
import { tapeLibrary } from "../../fixtures/tape-library.js";

const invented = await createProxMcp({
  plugins: [tapeLibrary(), aquarium()],
  connections: { cellar: { provider: "tape", room: "a" }, harbour: { provider: "aqua" } },
});
const shipped = await createProxMcp({
  connections: {
    prod: { provider: "proxmox", url: "https://pve.example:8006", token: "root@pam!x=00000000-0000-0000-0000-000000000000" },
    pi: { provider: "lxd", socket: "/nowhere" },
    engine: { provider: "docker", socket: "/nowhere" },
  },
});
afterAll(async () => {
  await invented.close();
  await shipped.close();
});

describe("a question that someone has begun", () => {
  it("begins with whole questions and nouns", () => {
    const offered = invented.completeQuery("");
    expect(offered).toEqual(expect.arrayContaining(["cartridges", "tanks"]));
    expect(offered[0]?.split(" ").length).toBeGreaterThan(1);
  });

  it("goes on with nouns and states of what is loaded", () => {
    expect(invented.completeQuery("ta")).toContain("tanks");
    expect(invented.completeQuery("how many car")).toEqual(["how many cartridges"]);
    expect(shipped.completeQuery("RUN")).toContain("running");
    expect(shipped.completeQuery("tank")).toEqual([]);
  });

  it("goes on, after a noun, with what that kind can be asked, where there is any of it", () => {
    expect(invented.completeQuery("cartridges sort")).toEqual(
      expect.arrayContaining(["cartridges sorted by capacity", "cartridges sorted by mounts"]),
    );
    expect(invented.completeQuery("cartridges sorted by ca")).toEqual(["cartridges sorted by capacity"]);
    expect(invented.completeQuery("cartridges sorted by ")).not.toContain("cartridges sorted by sorted by capacity");
    expect(invented.completeQuery("cartridges in sh")).toContain("cartridges in shelved");
    expect(invented.completeQuery("tanks har")).toEqual(["tanks on harbour"]);
    expect(invented.completeQuery("tanks cel")).toEqual([]);
  });

  it("is not put off by words that nobody knows, and gives up on what nobody types", () => {
    expect(invented.completeQuery("frobnicated cart")).toEqual(["frobnicated cartridges"]);
    expect(invented.completeQuery("tank ".repeat(100))).toEqual([]);
  });

  it.each([
    ["invented", invented],
    ["shipped", shipped],
  ])("offers nothing that can't be asked: %s", (_name, app) => {
    const nouns = app.queryHelp().nouns;
    const offered = ["", "r", ...nouns.map((noun) => `${noun} `)].flatMap((text) => app.completeQuery(text));
    expect(offered.length).toBeGreaterThan(nouns.length * 2);
    const misunderstood = offered.flatMap((question) => {
      try {
        const { ignored, corrected } = app.interpret(question);
        return ignored.length + corrected.length > 0 ? [`${question}: ${JSON.stringify({ ignored, corrected })}`] : [];
      } catch (error) {
        return [`${question}: ${String(error)}`];
      }
    });
    expect(misunderstood).toEqual([]);
  });
});
