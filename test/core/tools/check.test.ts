import { describe, expect, it } from "vitest";
import { LOGGER, type Logger } from "proxmcp";
import { openTapes } from "../../fixtures/tape-app.js";

describe("testing connections at the start", () => {
  it("warns of those that are down and carries on with the others", async () => {
    const said: string[] = [];
    const tell =
      (level: string) =>
      (message: string, facts: Record<string, unknown> = {}): void =>
        void said.push([level, message, facts["connection"], facts["code"]].filter(Boolean).join(" | "));
    const logger: Logger = { debug: () => {}, info: tell("info"), warn: tell("warn"), error: tell("error") };
    const { app, call } = await openTapes(
      { main: { cartridges: [{ barcode: "T1" }] }, vault: { jammed: true } },
      { checkAtStart: true, services: (container) => container.register(LOGGER, { useValue: logger }) },
    );
    expect(app.checksAtStart).toBe(true);
    await app.check();
    expect(said).toEqual([
      "info | connection answers | main",
      "warn | dusty | main",
      "warn | connection does not answer; the others are served, and it is asked again when it is needed | vault | UNREACHABLE",
    ]);
    expect(await call("tape_cartridge_list")).toMatchObject({ total: 1, errors: [{ connection: "vault" }] });
  });
});
