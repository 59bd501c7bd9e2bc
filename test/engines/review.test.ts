import { describe, it } from "vitest";
import docker from "proxmcp/plugins/docker";
import lxd from "proxmcp/plugins/lxd";
import { testProvider } from "proxmcp/testing";
import { file, withEngine } from "./engines.js";

/** What every provider is held to, on real platforms: nothing is changed there. */
withEngine("lxd", ({ socket, url, cert, key, fingerprint }) => {
  describe("real lxd over its socket", () => void testProvider(lxd, { test: it, connection: { socket } }));
  describe("real lxd over https", () => void testProvider(lxd, { test: it, connection: { url, cert: file(cert), key: file(key), fingerprint } }));
});
withEngine("cluster", ({ members: [member], cert, key, fingerprint }) => {
  const connection = { url: member?.url, cert: file(cert), key: file(key), fingerprint };
  describe("real lxd cluster", () => void testProvider(lxd, { test: it, connection }));
});
withEngine("docker", ({ socket }) => {
  describe("real docker", () => void testProvider(docker, { test: it, connection: { socket } }));
});
