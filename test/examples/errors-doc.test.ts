import { readFileSync } from "node:fs";
import { ERRORS } from "proxmcp";
import { expect, it } from "vitest";

const rows = [...readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8").matchAll(/^\| `([A-Z_]+)` +\| (.*?) +\| (.*?) +\|$/gm)];

it("docs/errors.md has each code of the catalogue once, and none besides", () => {
  expect(rows.map(([, code]) => code).sort()).toEqual(Object.keys(ERRORS).sort());
});

it("docs/errors.md gives the catalogue's advice, and a meaning for each", () => {
  for (const [, code, meaning, next] of rows) {
    expect(next, code).toBe(ERRORS[code as keyof typeof ERRORS]);
    expect(meaning?.length, code).toBeGreaterThan(10);
  }
});
