import { access } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a config file finds its JSON Schema: in the copy of this package that is installed beside it, or else in this one. */
export async function schemaFor(file: string): Promise<string> {
  const installed = join(dirname(file), "node_modules", "proxmcp", "config.schema.json");
  const there = await access(installed).then(
    () => true,
    () => false,
  );
  if (there) return `./${relative(dirname(file), installed).split(sep).join("/")}`;
  return fileURLToPath(new URL(import.meta.resolve("proxmcp/config.schema.json")));
}
