import { lxdScenario } from "../conformance/lxd.js";
import { withEngine } from "./engines.js";
import { throughMcp } from "./through-mcp.js";

withEngine("lxd", ({ socket, image }) => throughMcp("lxd", "a real LXD", { socket }, lxdScenario({ image })));
