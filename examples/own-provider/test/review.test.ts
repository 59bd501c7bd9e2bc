import { testProvider } from "proxmcp/testing";
import { describe, expect, it } from "vitest";
import containarium from "../src/index.ts";

const public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2Uga2V5IG9mIHRoZSBzYW5kYm94 zoe@desk";

/** What the actions are tried with. Those that need nothing but an item find one themselves. */
const inputs = {
  containarium_container_create: [{ username: "yara" }, { username: "zack", wait: false }],
  containarium_container_resize: { cpu: 2 },
  containarium_container_add_ssh_key: { public_key },
  containarium_container_remove_ssh_key: { public_key },
  containarium_container_set_ttl: { seconds: 600 },
  containarium_snapshot_create: { username: "bob", name: "reviewed" },
  containarium_snapshot_restore: { force: true, destroy_newer: true },
  containarium_backup_create: { username: "alice" },
  containarium_backup_verify: { target_username: "bob" },
  containarium_collaborator_create: { owner: "bob", name: "zoe", public_keys: [public_key] },
};

describe("Containarium", () => {
  void testProvider(containarium, { inputs, test: it });
});

it("is reviewed with every action it has", async () => {
  expect(await testProvider(containarium, { inputs })).toMatchObject({ untried: [] });
}, 120_000);
