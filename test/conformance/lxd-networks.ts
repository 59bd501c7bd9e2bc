import { expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";

/** Networks, and what belongs to them, on a server that stands alone. `image`: the alias of one that is there. */
export const networkScenario =
  ({ image }: { readonly image: string }) =>
  (bench: () => Bench): void => {
    // Bridges have 15 characters at most.
    const name = `cf${process.pid}`;
    // Its own subnets, as suites that run at the same time share the host.
    const own = (more = 0): string => `10.${64 + (process.pid % 128)}.${(Math.floor(process.pid / 128) % 250) + more}`;
    const subnet = (host: number): string => `${own()}.${host}`;
    const outside = (more = 0): string => `192.0.2.${(process.pid % 250) + more}`;
    const plain = { name, ipv4: `${subnet(1)}/24`, ipv6: "none", nat: false };

    /** A network for one test. */
    const withNetwork = async (work: () => Promise<void>, more: Row = {}): Promise<void> => {
      const { item, call } = bench();
      await item("network_create", { ...plain, ...more });
      try {
        await work();
      } finally {
        await call("network_delete", { name });
      }
    };

    it("leads a network through its life", async () => {
      const { item, rows, call, refusal, result } = bench();
      const made = await item("network_create", { ...plain, description: "made here", config: { "dns.domain": "lab" } });
      expect(made).toEqual({
        name,
        type: "bridge",
        managed: true,
        status: "created",
        ipv4: `${subnet(1)}/24`,
        nat: false,
        used_by: 0,
        description: "made here",
        project: "default",
      });
      try {
        expect(await rows("network_list", { where: { name } })).toEqual([made]);
        expect(await refusal("network_create", plain)).toBe("ALREADY_EXISTS");
        // What is not named stays as it is, the description too.
        expect(await item("network_update", { name, ipv4: `${own(1)}.1/24`, config: { "dns.domain": "" } })).toMatchObject({
          ipv4: `${own(1)}.1/24`,
          nat: false,
          description: "made here",
        });
        expect(await item("network_update", { name, description: "" })).not.toHaveProperty("description");
        expect(await refusal("network_update", { name })).toBe("INVALID_INPUT");
        expect(await refusal("network_update", { name, config: { nonsense: "1" } })).toBe("INVALID_INPUT");
        expect(await refusal("network_update", { name, acls: ["never-made"] })).toBe("INVALID_INPUT");
        expect((await result("network_leases", { name }))["leases"]).toEqual([{ name: `${name}.gw`, ip: `${own(1)}.1`, type: "gateway" }]);
        expect(await item("network_rename", { name, new_name: `${name}b` })).toMatchObject({ name: `${name}b` });
        await item("network_rename", { name: `${name}b`, new_name: name });
      } finally {
        expect(await call("network_delete", { name })).toMatchObject({ deleted: true });
      }
      expect(await refusal("network_get", { name })).toBe("NOT_FOUND");
      expect(await refusal("network_delete", { name })).toBe("NOT_FOUND");
    });

    it("refuses networks that can't be", async () => {
      const { refusal } = bench();
      expect(await refusal("network_create", { ...plain, name: "bad/name" })).toBe("INVALID_INPUT");
      expect(await refusal("network_create", { ...plain, name: "far-too-long-a-name" })).toBe("INVALID_INPUT");
      expect(await refusal("network_create", { ...plain, ipv4: "nonsense" })).toBe("INVALID_INPUT");
      expect(await refusal("network_create", { name, type: "macvlan" })).toBe("INVALID_INPUT");
      expect(await refusal("network_create", { name, type: "macvlan", parent: "never-made" })).toBe("NOT_FOUND");
      expect(await refusal("network_create", { ...plain, member_config: { one: {} } })).toBe("INVALID_INPUT");
      expect(await refusal("network_get", { name })).toBe("NOT_FOUND");
    });

    it("makes a network that takes its addresses from one of the host's", async () => {
      const { item, call, refusal } = bench();
      expect(await item("network_create", { name, type: "macvlan", parent: "lo" })).toMatchObject({ name, type: "macvlan", managed: true });
      expect(await refusal("network_leases", { name })).toBe("UNSUPPORTED");
      await call("network_delete", { name });
    });

    it("gives addresses to instances, and is not deleted under them", async () => {
      const { item, call, result } = bench();
      const instance = `net-${process.pid}`;
      await withNetwork(async () => {
        await item("instance_create", { name: instance, image, start: false, network: name });
        try {
          expect(await item("network_get", { name })).toMatchObject({ used_by: 1 });
          await expect(call("network_delete", { name })).rejects.toMatchObject({
            code: "WRONG_STATE",
            message: expect.stringContaining(`used by instances ${instance}`),
          });
        } finally {
          await call("instance_delete", { name: instance, force: true });
        }
      });
      // The first network that runs instances tells theirs.
      const busy = (await bench().rows("network_list", { where: { managed: true, used_by: { min: 1 } } }))[0];
      const { leases } = (await result("network_leases", { name: busy?.["name"] })) as { leases: Row[] };
      expect(leases[0]).toMatchObject({ type: "gateway", ip: expect.stringMatching(/^\d/) });
      expect(leases.slice(1).every(({ mac, ip }) => mac && ip)).toBe(true);
    });

    it("keeps access lists, and holds them on networks", async () => {
      const { item, rows, call, refusal } = bench();
      const acl = `acl-${process.pid}`;
      const allow = { action: "allow", protocol: "tcp", destination_port: "22,80" };
      const made = await item("network_acl_create", { name: acl, description: "web", ingress: [allow] });
      expect(made).toEqual({
        name: acl,
        description: "web",
        ingress: [{ ...allow, state: "enabled" }],
        egress: [],
        rules: 1,
        used_by: 0,
        project: "default",
      });
      try {
        expect(await rows("network_acl_list", { where: { name: acl } })).toEqual([made]);
        expect(await refusal("network_acl_create", { name: acl })).toBe("ALREADY_EXISTS");
        expect(await refusal("network_acl_create", { name: "bad_name" })).toBe("INVALID_INPUT");
        expect(await refusal("network_acl_create", { name: `${acl}b`, ingress: [{ action: "allow", destination_port: "22" }] })).toBe(
          "INVALID_INPUT",
        );
        const egress = [{ action: "reject", state: "logged", destination: "10.0.0.0/8" }];
        expect(await item("network_acl_update", { name: acl, egress })).toMatchObject({ rules: 2, egress, description: "web" });
        expect(await refusal("network_acl_update", { name: acl })).toBe("INVALID_INPUT");
        await withNetwork(async () => {
          expect(await item("network_update", { name, acls: [acl] })).toMatchObject({ acls: [acl] });
          expect(await item("network_acl_get", { name: acl })).toMatchObject({ used_by: 1 });
          await expect(call("network_acl_delete", { name: acl })).rejects.toMatchObject({
            code: "WRONG_STATE",
            message: expect.stringContaining(`used by networks ${name}`),
          });
          expect(await item("network_update", { name, acls: [] })).not.toHaveProperty("acls");
        });
        expect(await item("network_acl_rename", { name: acl, new_name: `${acl}c` })).toMatchObject({ name: `${acl}c`, rules: 2 });
        await item("network_acl_rename", { name: `${acl}c`, new_name: acl });
      } finally {
        expect(await call("network_acl_delete", { name: acl })).toMatchObject({ deleted: true });
      }
    });

    it("forwards outside addresses to instances", async () => {
      const { item, rows, call, refusal } = bench();
      const at = { network: name, listen_address: outside() };
      await withNetwork(async () => {
        const web = { protocol: "tcp", listen_port: "80,443", target_address: subnet(6), target_port: "8080,8443" };
        const made = await item("network_forward_create", {
          ...at,
          target_address: subnet(5),
          ports: [web],
          description: "front",
          project: "default",
        });
        expect(made).toEqual({ ...at, target_address: subnet(5), ports: [web], description: "front", project: "default" });
        expect(await rows("network_forward_list", { network: name })).toEqual([made]);
        expect(await rows("network_forward_list", { where: { network: name } })).toEqual([made]);
        expect(await refusal("network_forward_create", at)).toBe("ALREADY_EXISTS");
        expect(await refusal("network_forward_create", { ...at, listen_address: "nonsense" })).toBe("INVALID_INPUT");
        expect(await refusal("network_forward_create", { ...at, listen_address: outside(1), target_address: "10.1.2.3" })).toBe("INVALID_INPUT");
        const dns = { protocol: "udp", listen_port: "53", target_address: subnet(6) };
        expect(await item("network_forward_update", { ...at, ports: [dns] })).toEqual({ ...made, ports: [dns] });
        expect(await item("network_forward_update", { ...at, target_address: "" })).not.toHaveProperty("target_address");
        expect(await call("network_forward_delete", at)).toMatchObject({ deleted: true });
        expect(await refusal("network_forward_get", at)).toBe("NOT_FOUND");
        expect(await refusal("network_forward_create", { ...at, network: "never-made" })).toBe("NOT_FOUND");
      });
    });
  };
