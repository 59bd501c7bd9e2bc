/**
 * What a method of the API may do. The verb says most of it; the exceptions are those where it says the wrong thing.
 * @module
 */
import type { Safety } from "proxmcp/plugin";

/** Writes by their verb that change nothing. */
const READS: readonly RegExp[] = [
  /^POST \/nodes\/\{node\}\/qemu\/\{vmid\}\/agent\/(ping|fsfreeze-status|get-.*|network-get-interfaces|info)$/,
  /^POST \/access\/(openid\/auth-url|vncticket)$/,
];

/** Creations and changes that lose data, run anything, or give rights away. */
const DESTRUCTIVE: readonly RegExp[] = [
  /^(POST|PUT) .*\/(rollback|wipedisk|initgpt|remote_migrate|mtunnel|template|unlink|monitor|sendkey)$/,
  /^POST .*\/status\/(stop|reset)$/,
  /^POST \/nodes\/\{node\}\/(status|execute|stopall|termproxy|vncshell|spiceshell|hosts)$/,
  /^POST .*\/(termproxy|vncproxy|spiceproxy)$/,
  /^POST \/nodes\/\{node\}\/(qemu|lxc)\/\{vmid\}\/agent(\/(exec|file-write|set-user-password|shutdown|suspend-.*|fstrim|fsfreeze-.*))?$/,
  // Both make new guests, and replace old ones when they are told to restore.
  /^POST \/nodes\/\{node\}\/(qemu|lxc)$/,
  /^(POST|PUT) \/nodes\/\{node\}\/(qemu|lxc)\/\{vmid\}\/config$/,
  /^(PUT|POST) \/access\/(acl|password|users\/\{userid\}\/token\/\{tokenid\}|users|tfa\/.*|ticket|domains.*)$/,
  /^POST \/cluster\/(config|bulk-action\/guest\/(shutdown|suspend|migrate)).*$/,
  /^(POST|PUT) \/nodes\/\{node\}\/(disks|ceph)\b.*$/,
  /^(POST|PUT) \/nodes\/\{node\}\/certificates\/.*$/,
  /^PUT \/(pools|nodes\/\{node\}\/network|cluster\/sdn)$/,
];

/** @param key `POST /nodes/{node}/qemu` */
export function safetyOf(key: string): Safety {
  const [verb] = key.split(" ");
  if (verb === "GET" || READS.some((pattern) => pattern.test(key))) return "read";
  if (verb === "DELETE" || DESTRUCTIVE.some((pattern) => pattern.test(key))) return "destructive";
  return "write";
}

/** Methods that can't be called here, and why. */
export function exclusionOf(key: string, token: false | undefined): string | undefined {
  if (token === false) return "not for API tokens: Proxmox wants a ticket";
  if (/websocket$/.test(key)) return "a stream, which one answer can't carry";
  if (/^POST .*\/mtunnel$/.test(key) || /^GET .*\/mtunnelwebsocket$/.test(key)) return "for nodes among themselves";
  if (/^POST .*\/upload$/.test(key)) return "takes a file; use volume upload";
  if (/\/file-restore\/download$/.test(key)) return "answers a file as it is, not JSON";
  return undefined;
}
