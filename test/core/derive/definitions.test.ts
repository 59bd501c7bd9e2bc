import { expect, it } from "vitest";
import { openTapes } from "../../fixtures/tape-app.js";

it("tools are defined for model APIs as their references say, as many as are listed to the caller", async () => {
  const { app } = await openTapes({ main: {} }, { roles: { viewer: { readOnly: true } } });
  const tool = app.tools().find(({ name: one }) => one === "tape_cartridge_load");
  const { name, description, inputSchema } = tool ?? { name: "", description: "", inputSchema: {} };
  const find = <Definition>(all: readonly Definition[]): Definition | undefined =>
    all.find((one) => JSON.stringify(one).includes('"tape_cartridge_load"'));
  expect(find(app.toolDefinitions({ format: "anthropic" }))).toEqual({ name, description, input_schema: inputSchema });
  expect(find(app.toolDefinitions({ format: "openai" }))).toEqual({ type: "function", name, description, parameters: inputSchema, strict: false });
  expect(find(app.toolDefinitions({ format: "openai-chat" }))).toEqual({
    type: "function",
    function: { name, description, parameters: inputSchema },
  });
  expect(app.toolDefinitions({ format: "anthropic" })).toHaveLength(app.tools().length);
  expect(app.toolDefinitions({ format: "anthropic", surface: "all" })).toHaveLength(app.tools("all").length);
  expect(find(app.toolDefinitions({ format: "openai", caller: { id: "x", roles: ["viewer"] } }))).toBeUndefined();
  for (const definition of app.toolDefinitions({ format: "openai", surface: "all" })) expect(definition.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
});
