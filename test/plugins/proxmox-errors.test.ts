import { describe, expect, test } from "vitest";
import { errorOf, isLockTimeout, meaningOf } from "../../plugins/proxmox/errors.js";

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly method?: string;
  readonly path?: string;
  /** Default: as Proxmox VE 9 does it, the reason again with a line break. */
  readonly body?: unknown;
}

const errorFor = ({ status, reason, method = "GET", path = "/nodes/pve1/qemu/101/config", body }: Answer) =>
  errorOf({ method, path, status, reason, body: body === undefined ? { message: `${reason}\n`, data: null } : body, token: "root@pam!mcp" }).report();

const empty = "";
const refused = (errors: Record<string, string>): unknown => ({ message: "Parameter verification failed.\n", data: null, errors });

describe("what Proxmox answers, as an error of the catalogue", () => {
  test.each<[string, Answer]>([
    ["AUTH_FAILED", { status: 401, reason: "No ticket", body: empty }],
    ["AUTH_FAILED", { status: 401, reason: "Authentication failed!", body: empty }],
    ["FORBIDDEN", { status: 403, reason: "Permission check failed (/vms/101, VM.Audit)" }],
    ["FORBIDDEN", { status: 403, reason: "Permission check failed" }],
    ["FORBIDDEN", { status: 403, reason: "Permission check failed (user != root@pam)" }],
    ["FORBIDDEN", { status: 500, reason: "only root can set 'args' config" }],
    ["FORBIDDEN", { status: 400, reason: "Parameter verification failed.", body: refused({ skiplock: "Only root may use this option." }) }],
    ["INVALID_INPUT", { status: 400, reason: "Parameter verification failed.", body: refused({ foo: "property is not defined in schema" }) }],
    ["INVALID_INPUT", { status: 400, reason: "Parameter verification failed.", body: refused({ upid: "unable to parse worker upid" }) }],
    ["INVALID_INPUT", { status: 500, reason: "400 Parameter verification failed." }],
    ["NOT_FOUND", { status: 400, reason: "Parameter verification failed.", body: refused({ upid: "no such task" }) }],
    ["NOT_FOUND", { status: 400, reason: "Parameter verification failed.", body: refused({ storage: "No such storage." }) }],
    ["ALREADY_EXISTS", { status: 400, reason: "Parameter verification failed.", body: refused({ vmid: "VM 101 already exists" }) }],
    ["NOT_FOUND", { status: 500, reason: "Configuration file 'nodes/pve1/qemu-server/9999.conf' does not exist" }],
    ["NOT_FOUND", { status: 500, reason: "unable to find configuration file for VM 9999 on node 'pve1'" }],
    ["NOT_FOUND", { status: 500, reason: "storage 'nope' does not exist" }],
    ["NOT_FOUND", { status: 500, reason: "snapshot 'nope' does not exist" }],
    ["NOT_FOUND", { status: 500, reason: "no such user ('nope@pve')" }],
    [
      "NOT_FOUND",
      { status: 500, reason: "hostname lookup 'nope' failed - failed to get address info for: nope: Temporary failure in name resolution" },
    ],
    ["NOT_FOUND", { status: 500, reason: "no such cluster node 'nope'" }],
    ["ALREADY_EXISTS", { status: 500, reason: "unable to create VM 101 - VM 101 already exists on node 'pve1'" }],
    ["ALREADY_EXISTS", { status: 500, reason: "unable to create VM 305: config file already exists" }],
    ["ALREADY_EXISTS", { status: 500, reason: "create storage failed: storage ID 'flowdir' already defined" }],
    ["CONFLICT", { status: 500, reason: "VM is locked (backup)" }],
    ["CONFLICT", { status: 500, reason: "CT is locked (snapshot)" }],
    ["CONFLICT", { status: 500, reason: "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout" }],
    ["CONFLICT", { status: 500, reason: "checksum mismatch (file change by other user?)" }],
    ["CONFLICT", { status: 500, reason: "detected modified configuration - file changed by other user? Try again." }],
    ["WRONG_STATE", { status: 500, reason: "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!" }],
    ["WRONG_STATE", { status: 500, reason: "cluster not ready - no quorum?" }],
    ["WRONG_STATE", { status: 500, reason: "unable to open file '/etc/pve/nodes/pve1/qemu-server/101.conf.tmp.96' - Permission denied" }],
    ["WRONG_STATE", { status: 500, reason: "CT 210 already running" }],
    ["WRONG_STATE", { status: 500, reason: "VM 300 not running" }],
    ["WRONG_STATE", { status: 500, reason: "VM 300 is running - destroy failed" }],
    ["WRONG_STATE", { status: 500, reason: "can't migrate running VM without --online" }],
    ["WRONG_STATE", { status: 500, reason: "QEMU guest agent is not running" }],
    ["UNSUPPORTED", { status: 500, reason: "Linked clone feature is not supported for 'local:304/vm-304-disk-0.qcow2' (scsi0)" }],
    ["UNSUPPORTED", { status: 500, reason: "cannot index groups: ha groups have been migrated to rules" }],
    ["UNSUPPORTED", { status: 501, reason: "Method 'GET /nope' not implemented" }],
    ["UNSUPPORTED", { status: 501, reason: "Unexpected content for method 'DELETE'", body: "Unexpected content for method 'DELETE'" }],
    ["UNREACHABLE", { status: 595, reason: "No route to host", body: empty }],
    ["UNREACHABLE", { status: 595, reason: "Connection refused", body: empty }],
    ["UNREACHABLE", { status: 596, reason: "Broken pipe", body: empty }],
    ["UPSTREAM", { status: 500, reason: "Not a HASH reference at /usr/share/perl5/PVE/API2/Network/SDN/Fabrics.pm line 154." }],
    ["UPSTREAM", { status: 502, reason: "Bad Gateway", body: "<html><h1>502 Bad Gateway</h1></html>" }],
  ])("%s: %j", (code, answer) => {
    expect(errorFor(answer)).toMatchObject({ code, data: { status: answer.status } });
  });

  test("older releases have their message in the reason phrase alone", () => {
    const reason = "VM is locked (backup)";
    for (const body of [empty, { data: null }, undefined]) expect(errorFor({ status: 500, reason, body }).message).toContain(reason);
  });

  test("the page of a proxy is not taken for the message", () => {
    expect(errorFor({ status: 502, reason: "Bad Gateway", body: "<html>lots</html>" }).message).toBe(
      "Unable to GET /nodes/pve1/qemu/101/config: Bad Gateway",
    );
  });

  test("a missing permission names what to give, to whom and where", () => {
    const { next, data } = errorFor({ status: 403, reason: "Permission check failed (/vms/101, VM.Snapshot|VM.Snapshot.Rollback)" });
    expect(next).toContain("Give root@pam!mcp VM.Snapshot or VM.Snapshot.Rollback on /vms/101");
    expect(data).toMatchObject({ object: "/vms/101", privileges: ["VM.Snapshot", "VM.Snapshot.Rollback"] });
  });

  test("every refused parameter is named", () => {
    const body = refused({
      memory: "invalid format - format error\nmemory.current: type check failed\n",
      vmid: "type check ('integer') failed - got 'abc'",
    });
    const { message } = errorFor({ status: 400, reason: "Parameter verification failed.", body });
    expect(message).toContain("memory: invalid format");
    expect(message).toContain("vmid: type check ('integer') failed - got 'abc'");
  });

  test("a lost node is named, with the request that was tried", () => {
    const { message, tried, data } = errorFor({ status: 595, reason: "No route to host", body: empty, path: "/nodes/pve2/status" });
    expect(message).toBe("Node pve2 can't be reached from the cluster: No route to host");
    expect(tried).toEqual(["GET /nodes/pve2/status"]);
    expect(data).toEqual({ status: 595, node: "pve2" });
  });

  test("without quorum all three wordings get the same advice", () => {
    const said = ["no quorum!", "cluster not ready - no quorum?", "unable to open file '/etc/pve/user.cfg.tmp.9' - Permission denied"];
    const advice = new Set(said.map((text) => meaningOf(text).next));
    expect(advice.size).toBe(1);
    expect([...advice][0]).toContain("majority");
  });

  test("only a lock that could not be had may be tried again", () => {
    expect(isLockTimeout(new Error("can't lock file '/var/lock/qemu-server/lock-1.conf' - got timeout"))).toBe(true);
    expect(isLockTimeout(new Error("VM quit/powerdown failed - got timeout"))).toBe(false);
    expect(isLockTimeout("can't lock file 'x' - got timeout")).toBe(false);
  });
});
