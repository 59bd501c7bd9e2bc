import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { type ContainariumClient, pathOf } from "./client.ts";
import { intOf } from "./wire.ts";

const { write } = forClient<ContainariumClient>();

const WEEK = 604_800;

/** When a container is stopped, cleaned and deleted by itself. */
export const ages = {
  set_ttl: write({
    about: "Say in how long a container is deleted by itself, or that it is not",
    aliases: ["set_container_ttl", "containarium_ttl_set"],
    input: { seconds: z.int().min(0).max(WEEK).describe("From now, up to a week; 0: never") },
    destructiveWhen: ({ seconds }) => (seconds > 0 ? `The container and its disk are deleted in ${seconds} seconds, whatever its state.` : undefined),
    async run({ client, key, input: { seconds }, signal }) {
      await client.post(pathOf(key, "ttl"), { doing: `set the time to live of ${key}`, json: { durationSeconds: String(seconds) }, signal });
    },
  }),

  protect: write({
    about: "Spare a container from automatic deletion, or no longer",
    aliases: ["set_container_delete_policy"],
    input: { protected: z.boolean().default(true).describe("Whether it is spared") },
    idempotent: true,
    async run({ client, key, input, signal }) {
      const json = { deletePolicy: input.protected ? "DELETE_POLICY_PROTECTED" : "DELETE_POLICY_UNSPECIFIED" };
      await client.post(pathOf(key, "delete-policy"), { doing: `protect the container of ${key}`, json, signal });
    },
  }),

  set_auto_sleep: write({
    about: "Have a container stopped when it is idle, or no longer",
    aliases: ["toggle_auto_sleep"],
    input: {
      enabled: z.boolean().default(true),
      idle: z.int().min(60).optional().describe("Idle seconds, default 900"),
    },
    idempotent: true,
    async run({ client, key, input: { enabled, idle }, signal }) {
      const json = { enabled, ...(idle === undefined ? {} : { idleThresholdMinutes: Math.ceil(idle / 60) }) };
      await client.post(pathOf(key, "auto-sleep"), { doing: `set the sleep of ${key}`, json, signal });
    },
  }),

  cleanup_disk: write({
    about: "Free space in a container: temporary files, package caches, old journals",
    aliases: ["containarium_cleanup_disk"],
    timeout: 600,
    output: z.object({ freed: facet(z.int(), "Space freed", { unit: "bytes" }), message: facet(z.string(), "What was removed") }),
    async run({ client, key, signal }) {
      const ask = { doing: `clean up the disk of ${key}`, signal };
      const { freedBytes, message = "" } = await client.post<{ freedBytes?: string; message?: string }>(pathOf(key, "cleanup-disk"), ask);
      return { freed: intOf(freedBytes) ?? 0, message };
    },
  }),
};
