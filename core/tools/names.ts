import { SEARCH_TOOLS } from "../derive/surface.js";

/** Every name and alias of the tools that come from no plugin, on whatever surface. No plugin may use them; a test holds the list to the tools. */
export const CORE_NAMES: readonly string[] = [
  ...["inventory_overview", "unified_resource_view"],
  "inventory_query",
  ...["workload_suggest", "suggest_platform"],
  "workload_create",
  ...["connection_list", "connection_test"],
  ...SEARCH_TOOLS,
];
