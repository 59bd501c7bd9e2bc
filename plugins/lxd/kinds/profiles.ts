import { forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { weakens } from "../isolation.js";
import { applyTo, WAYS } from "../profile/apply.js";
import { ApplyTemplateInput, applyTemplate, templateWeakens } from "../profile/apply-template.js";
import { Profile, profileOf, profilePath } from "../profile/fields.js";
import { SettingsInput, settingsOf, updateProfile } from "../profile/update.js";
import { deleteUnused } from "../users.js";
import type { WireProfile } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient>();

export const profiles = kind({
  name: "profile",
  about: "Settings and devices that instances share",
  says: ["profile"],
  item: Profile,
  key: "name",
  aliases: { list: ["lxd_list_profiles"], get: ["lxd_profile_show"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireProfile[]>("/1.0/profiles", { doing: "list profiles", signal, query: { recursion: 1 } });
    return found.map(profileOf);
  },

  async get({ client, key, signal }) {
    return profileOf(await client.get<WireProfile>(profilePath(key), { doing: `read profile "${key}"`, signal }));
  },

  actions: {
    create: write({
      about: "Create a profile",
      input: { name: z.string().min(1).describe("Its name"), ...SettingsInput },
      destructiveWhen: weakens,
      aliases: ["lxd_create_profile"],
      async run({ client, input, signal, progress }) {
        const { name, description = "" } = input;
        const body = { name, description, ...settingsOf(input) };
        await client.change("POST", "/1.0/profiles", body, { doing: `create profile "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    update: write({
      about: "Change a profile, and with it all instances that use it",
      input: SettingsInput,
      destructiveWhen: weakens,
      aliases: ["lxd_profile_edit", "lxd_profile_set", "lxd_profile_device_add"],
      run: updateProfile,
    }),

    rename: write({
      about: "Give a profile another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, input: { new_name: name }, signal, progress }) {
        await client.change("POST", profilePath(key), { name }, { doing: `rename profile "${key}" to "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    delete: destructive({
      about: "Delete a profile that no instance uses",
      loses: "Deletes the profile.",
      aliases: ["lxd_delete_profile"],
      async run({ client, key, signal, progress }) {
        if (key === "default") throw new ProxMcpError("INVALID_INPUT", 'Profile "default" belongs to its project and stays.');
        await deleteUnused(client, profilePath(key), { doing: `delete profile "${key}"`, signal, progress });
      },
    }),

    apply: write({
      about: "Add a profile to instances, or make it their only one, or take it from them",
      input: {
        instances: z.array(z.string()).min(1).describe("Names of instances"),
        how: z.enum(WAYS).default("add").describe("add behind the others, replace them, remove"),
      },
      idempotent: true,
      aliases: ["lxd_profile_assign", "lxd_profile_add", "lxd_profile_remove", "lxd_apply_profile"],
      async run(args) {
        const { key, input } = args;
        for (const instance of input.instances) await applyTo(args, key, instance, input.how);
      },
    }),

    apply_template: write({
      about: "Make or update a profile from a template (default, webserver, database, development), and add it to instances",
      on: "kind",
      input: ApplyTemplateInput,
      idempotent: true,
      destructiveWhen: templateWeakens,
      aliases: ["lxd_apply_profile_template", "lxd_create_profile_from_template"],
      run: applyTemplate,
    }),
  },
});
