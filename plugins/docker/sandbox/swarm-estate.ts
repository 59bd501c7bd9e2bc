import { DEFAULT_ESTATE, type Estate } from "./estate.js";

/** The same engine as a manager of three nodes. Given as the option `estate` by its name, "swarm". */
export const SWARM_ESTATE: Estate = {
  ...DEFAULT_ESTATE,
  swarm: {
    nodes: [
      { name: "dock1", role: "manager" },
      { name: "dock2", labels: { disk: "ssd" } },
      { name: "dock3", availability: "drain" },
    ],
    services: [
      { name: "edge_proxy", image: "nginx:1.27", replicas: 2, stack: "edge", ports: { 80: 8088 } },
      { name: "edge_cache", image: "redis:7", replicas: 1, stack: "edge" },
      { name: "agent", image: "busybox:1.36" },
    ],
  },
};
