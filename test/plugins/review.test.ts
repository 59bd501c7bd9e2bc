import { describe, it } from "vitest";
import docker from "proxmcp/plugins/docker";
import lxd from "proxmcp/plugins/lxd";
import proxmox from "proxmcp/plugins/proxmox";
import { testProvider } from "proxmcp/testing";

/** What every provider is held to, ours on each of their sandboxes. */
describe("docker", () => void testProvider(docker, { test: it }));
describe("docker over TLS", () => void testProvider(docker, { test: it, sandbox: { tls: true } }));
describe("docker, a swarm's manager", () => void testProvider(docker, { test: it, sandbox: { estate: "swarm" } }));
describe("lxd", () => void testProvider(lxd, { test: it }));
describe("incus", () => void testProvider(lxd, { test: it, sandbox: { estate: { flavor: "incus" } } }));
describe("proxmox", () => void testProvider(proxmox, { test: it }));
describe("proxmox, a larger cluster", () => void testProvider(proxmox, { test: it, sandbox: { estate: "production", taskTime: 5 } }));
