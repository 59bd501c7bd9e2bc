import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";

interface DockerSubject {
  /** One that is there and keeps running by itself. */
  readonly image: string;
  /** Begins a reference that images can be pushed to and pulled from, such as `127.0.0.1:5000`. */
  readonly registry?: string;
}

/** What a Docker engine has to do. */
export const dockerScenario =
  ({ image, registry }: DockerSubject) =>
  (bench: () => Bench): void => {
    const own = `pmdk-${process.pid}`;
    const name = `${own}-c`;

    /** A container that is gone after the test. */
    async function withContainer(args: Row, test: (bench: Bench) => Promise<void>): Promise<void> {
      const { item, call } = bench();
      await item("container_create", { name, image, ...args });
      try {
        await test(bench());
      } finally {
        await call("container_delete", { name, force: true, volumes: true });
      }
    }

    /** The question that a call would be confirmed with. Nothing is done. */
    async function question(tool: string, args: Row): Promise<string> {
      let asked = "";
      const confirm = async (text: string): Promise<boolean> => {
        asked = text;
        return false;
      };
      await bench()
        .app.call(`docker_${tool}`, args, { confirm })
        .catch(() => {});
      return asked;
    }

    describe("a container", () => {
      it("leads its life", async () => {
        const { item, result, rows, call } = bench();
        const created = await item("container_create", {
          name,
          image,
          env: { GREETING: "hello" },
          labels: { suite: "conformance" },
          memory: 64 * 1024 * 1024,
          start: false,
        });
        expect(created).toMatchObject({ name, image, status: "created", memory: 64 * 1024 * 1024 });
        expect(created["tags"]).toContain("suite=conformance");
        expect(await item("container_start", { name })).toMatchObject({ name, status: "running" });
        expect(await rows("container_list", { where: { name, status: ["running"] } })).toHaveLength(1);
        expect(await result("container_exec", { name, command: ["sh", "-c", "echo out; echo err >&2; exit 3"] })).toMatchObject({
          exit_code: 3,
          stdout: "out\n",
          stderr: "err\n",
          truncated: false,
        });
        expect((await result("container_exec", { name, command: ["sh", "-c", "echo $GREETING"] }))["stdout"]).toBe("hello\n");
        const stats = await result("container_stats", { name });
        expect(stats["memory_used"]).toBeGreaterThan(0);
        expect(await item("container_restart", { name, timeout: 5 })).toMatchObject({ status: "running" });
        expect(await item("container_stop", { name, timeout: 5 })).toMatchObject({ status: "exited" });
        expect(await call("container_delete", { name })).toMatchObject({ deleted: true, name });
        expect(await rows("container_list", { where: { name } })).toEqual([]);
      });

      it("is refused what does not fit, with the code that fits", async () => {
        const { item, refusal, call } = bench();
        await item("container_create", { name, image });
        try {
          expect(await refusal("container_create", { name, image })).toBe("ALREADY_EXISTS");
          expect(await refusal("container_delete", { name })).toBe("WRONG_STATE");
          expect(await refusal("container_exec", { name, command: ["no-such-program"] })).toBe("INVALID_INPUT");
          expect(await refusal("container_exec", { name, command: ["no-such-program"], stdin: "x" })).toBe("INVALID_INPUT");
          expect(await refusal("container_update", { name, memory: 1000 })).toBe("INVALID_INPUT");
          expect(await refusal("container_kill", { name, signal: "NOSUCH" })).toBe("INVALID_INPUT");
          expect(await refusal("container_resume", { name: "no-such-container" })).toBe("NOT_FOUND");
          await item("container_stop", { name, timeout: 5 });
          for (const tool of ["exec", "top", "stats", "kill", "pause", "resume"])
            expect(await refusal(`container_${tool}`, { name, ...(tool === "exec" ? { command: ["true"] } : {}) }), tool).toBe("WRONG_STATE");
          expect(await refusal("container_start", { name: "no-such-container" })).toBe("NOT_FOUND");
        } finally {
          expect(await call("container_delete", { name, force: true })).toMatchObject({ deleted: true });
        }
      });

      it("starts and stops if it is not so already", async () => {
        await withContainer({}, async ({ item }) => {
          expect(await item("container_start", { name })).toMatchObject({ status: "running" });
          await item("container_stop", { name, timeout: 5 });
          expect(await item("container_stop", { name, timeout: 5 })).toMatchObject({ status: "exited" });
        });
      });

      it("is found by its id as by its name", async () => {
        const { item, call } = bench();
        const { id } = await item("container_create", { name, image, start: false });
        try {
          expect(await item("container_get", { name: id })).toMatchObject({ name });
        } finally {
          await call("container_delete", { name: id });
        }
      });

      it("has all its settings, and what looks secret in them is masked", async () => {
        const volume = `${own}-v`;
        const settings = {
          env: { PLAIN: "seen", DB_PASSWORD: "planted-secret", DATABASE_URL: "postgres://me:planted-secret@db/x" },
          volumes: [`${volume}:/data`],
          health: { command: "true", interval: 1, retries: 2 },
          restart: "unless-stopped",
          cpu: 0.5,
          memory: 64 * 1024 * 1024,
        };
        await withContainer(settings, async ({ item, result, call }) => {
          const found = await item("container_get", { name });
          expect(found).toMatchObject({
            cpu: 0.5,
            memory: 64 * 1024 * 1024,
            restart: "unless-stopped",
            volumes: [`${volume}:/data`],
            settings: { health_check: ["CMD-SHELL", "true"] },
          });
          expect(found["health"]).toBeDefined();
          expect((found["settings"] as { env: string[] }).env).toEqual(
            expect.arrayContaining(["PLAIN=seen", "DB_PASSWORD=[secret]", "DATABASE_URL=postgres://[secret]@db/x"]),
          );
          expect(JSON.stringify(await call("container_list", { where: { name } }))).not.toContain("planted-secret");
          expect((await result("container_env", { name }))["variables"]).toMatchObject({ DB_PASSWORD: "planted-secret" });
        });
        expect(await bench().call("volume_delete", { name: volume })).toMatchObject({ deleted: true });
      });

      it("is updated, paused, resumed, renamed and killed", async () => {
        await withContainer({ memory: 64 * 1024 * 1024 }, async ({ item, result, refusal }) => {
          const updated = await item("container_update", { name, memory: 128 * 1024 * 1024, cpu: 0.5, processes: 40, restart: "always" });
          expect(updated).toMatchObject({ memory: 128 * 1024 * 1024, cpu: 0.5, restart: "always", settings: { processes: 40 } });
          expect(await refusal("container_update", { name })).toBe("INVALID_INPUT");
          await item("container_update", { name, restart: "no" });
          expect(await item("container_pause", { name })).toMatchObject({ status: "paused" });
          expect(await item("container_pause", { name })).toMatchObject({ status: "paused" });
          expect(await refusal("container_exec", { name, command: ["true"] })).toBe("WRONG_STATE");
          expect(await item("container_resume", { name })).toMatchObject({ status: "running" });
          expect(await item("container_resume", { name })).toMatchObject({ status: "running" });
          const renamed = `${name}-renamed`;
          expect(await item("container_rename", { name, new_name: renamed })).toMatchObject({ name: renamed });
          expect(await item("container_rename", { name: renamed, new_name: name })).toMatchObject({ name });
          expect(await refusal("container_wait", { name, timeout: 1 })).toBe("TIMEOUT");
          await item("container_kill", { name });
          expect(await result("container_wait", { name, timeout: 20 })).toMatchObject({ exit_code: 137 });
          expect(await item("container_get", { name })).toMatchObject({ status: "exited", exit_code: 137 });
        });
      });

      it("shows its processes and its log", async () => {
        await withContainer({ command: ["sh", "-c", "echo to-out; echo to-err >&2; sleep 60"] }, async ({ result, refusal }) => {
          const { processes } = (await result("container_top", { name })) as { processes: { pid: number; command: string }[] };
          expect(processes[0]).toMatchObject({ pid: expect.any(Number), command: expect.stringContaining("sleep") });
          const { output, truncated } = (await result("container_logs", { name })) as { output: Row[]; truncated: boolean };
          expect(output).toEqual(
            expect.arrayContaining([
              { stream: "stdout", text: "to-out\n" },
              { stream: "stderr", text: "to-err\n" },
            ]),
          );
          expect(truncated).toBe(false);
          expect(((await result("container_logs", { name, since: "10s", until: "1h" })) as { output: Row[] }).output).toEqual([]);
          expect(((await result("container_logs", { name, since: "10m", timestamps: true })) as { output: Row[] }).output[0]?.["text"]).toMatch(
            /^\d{4}-.*Z to-/,
          );
          expect(await refusal("container_logs", { name, since: "yesterday" })).toBe("INVALID_INPUT");
        });
      });

      it("hears what is said to a command, to the end", async () => {
        await withContainer({}, async ({ result }) => {
          const stdin = `${"long line of words ".repeat(4000)}\nend`;
          expect(await result("container_exec", { name, command: ["cat"], stdin, max_output: 200_000 })).toEqual({
            exit_code: 0,
            stdout: stdin,
            stderr: "",
            truncated: false,
          });
        });
      });

      it("has files that can be written, read, listed and compared, running or not", async () => {
        await withContainer({ start: false }, async ({ result, refusal }) => {
          const path = "/tmp/note.txt";
          expect(await refusal("container_files_read", { name, path })).toBe("NOT_FOUND");
          expect(await result("container_files_write", { name, path, content: "grüße\nworld", mode: "0640" })).toEqual({ path, size: 13 });
          expect(await result("container_files_read", { name, path })).toMatchObject({
            content: "grüße\nworld",
            size: 13,
            mode: "0640",
            truncated: false,
          });
          expect(await result("container_files_read", { name, path, offset: 8, encoding: "base64" })).toMatchObject({
            content: Buffer.from("world").toString("base64"),
          });
          await result("container_files_write", { name, path, content: "x".repeat(300) });
          expect(await result("container_files_read", { name, path, max_output: 100 })).toMatchObject({
            truncated: true,
            next_offset: 100,
            size: 300,
          });
          const { files } = (await result("container_files_list", { name, path: "/tmp" })) as { files: Row[] };
          expect(files).toEqual([expect.objectContaining({ path: "note.txt", type: "file", size: 300 })]);
          expect(await refusal("container_files_read", { name, path: "/tmp" })).toBe("INVALID_INPUT");
          expect(await refusal("container_files_write", { name, path: "/no/such/folder/x", content: "" })).toBe("NOT_FOUND");
          expect(await refusal("container_files_list", { name: "no-such-container", path: "/" })).toBe("NOT_FOUND");
          const { files: changed } = (await result("container_diff", { name, under: "/tmp" })) as { files: Row[] };
          expect(changed).toEqual(expect.arrayContaining([{ path, change: "added" }]));
        });
      });

      it("becomes an image", async () => {
        const reference = `${own}/committed:1`;
        await withContainer({ start: false }, async ({ result, item }) => {
          await result("container_files_write", { name, path: "/tmp/kept", content: "in the image" });
          expect(await result("container_commit", { name, image: reference })).toMatchObject({ image: reference });
          expect(await item("image_get", { name: reference })).toMatchObject({ name: reference });
        });
        await bench().result("image_delete", { name: reference });
      });
    });

    describe("what is in use", () => {
      it("is told where it is asked for", async () => {
        const [volume, network] = [`${own}-used`, `${own}-net`];
        const { item, rows, call, app } = bench();
        await item("volume_create", { name: volume });
        await item("network_create", { name: network });
        const idle = async (kind: string, key: string): Promise<boolean> =>
          (await rows(`${kind}_list`, { where: { name: key, in_use: false } })).length === 1;
        try {
          expect([await idle("volume", volume), await idle("network", network)]).toEqual([true, true]);
          await withContainer({ volumes: [`${volume}:/data`], networks: [network], command: ["sleep", "600"] }, async () => {
            expect([await idle("volume", volume), await idle("network", network), await idle("image", image)]).toEqual([false, false, false]);
            const { items } = await app.query("docker images that are in use");
            expect(items.map((one) => one["name"])).toContain(image);
          });
          expect(await idle("volume", volume)).toBe(true);
          expect((await app.query(`unused docker volumes called ${volume}`)).total).toBe(1);
          expect((await rows("volume_list", { where: { name: volume } }))[0]).not.toHaveProperty("in_use");
        } finally {
          await call("volume_delete", { name: volume });
          await call("network_delete", { name: network });
        }
      });
    });

    describe("an image", () => {
      it("is tagged, shows its history, and loses one name after the other", async () => {
        const { item, result, refusal } = bench();
        const further = `${own}/tagged:2`;
        expect(await item("image_tag", { name: image, new_name: further })).toMatchObject({ name: further });
        const { steps } = (await result("image_history", { name: further })) as { steps: Row[] };
        expect(steps[0]).toMatchObject({ size: expect.any(Number) });
        expect(await result("image_delete", { name: further })).toMatchObject({ untagged: expect.arrayContaining([further]), deleted: [] });
        expect(await refusal("image_get", { name: further })).toBe("NOT_FOUND");
        expect(await item("image_get", { name: image })).toMatchObject({ name: image });
        expect(await refusal("image_tag", { name: "no/such:image", new_name: further })).toBe("NOT_FOUND");
        expect(await refusal("image_push", { name: `${own}/none:1` })).toBe("NOT_FOUND");
      });

      it("is built from the text of a Dockerfile, and from a folder without what is ignored", async () => {
        const { result, refusal, call } = bench();
        const inline = `${own}/inline:1`;
        const built = await result("image_build", {
          image: inline,
          dockerfile: `FROM ${image}\nCOPY note.txt /note.txt\nLABEL made=here\n`,
          files: { "note.txt": "inline" },
        });
        expect(built).toMatchObject({ image: inline, log: expect.stringContaining("Step 1/3") });
        expect(((await call("image_get", { name: inline }))["item"] as Row)["id"]).toBe(built["id"]);
        const folder = mkdtempSync(join(tmpdir(), "pmdk-build-"));
        try {
          mkdirSync(join(folder, "deep"));
          writeFileSync(join(folder, "Dockerfile"), `FROM ${image}\nCOPY . /ctx/\n`);
          writeFileSync(join(folder, "deep", "kept.txt"), "k".repeat(100_000));
          writeFileSync(join(folder, "deep", "dropped.log"), "d");
          writeFileSync(join(folder, ".dockerignore"), "**/*.log\n");
          await result("image_build", { image: `${own}/folder:1`, context: folder });
          writeFileSync(join(folder, "Dockerfile"), `FROM ${image}\nCOPY deep/dropped.log /x\n`);
          expect(await refusal("image_build", { image: `${own}/none:1`, context: folder })).toBe("TASK_FAILED");
          expect(await refusal("image_build", { image: `${own}/none:1`, context: join(folder, "none") })).toBe("INVALID_INPUT");
        } finally {
          rmSync(folder, { recursive: true });
        }
        expect(await refusal("image_build", { image: `${own}/none:1`, dockerfile: `FROM ${image}\nRUN exit 3\n` })).toBe("TASK_FAILED");
        expect(await refusal("image_build", { image: `${own}/none:1` })).toBe("INVALID_INPUT");
        for (const reference of [inline, `${own}/folder:1`]) await result("image_delete", { name: reference });
      });

      it("goes to a file and comes back, as does a root file system", async () => {
        const { item, result, refusal } = bench();
        const folder = mkdtempSync(join(tmpdir(), "pmdk-export-"));
        const file = join(folder, "image.tar");
        const further = `${own}/exported:1`;
        try {
          await item("image_tag", { name: image, new_name: further });
          expect(await result("image_export", { name: further, file })).toMatchObject({ file, size: expect.any(Number) });
          expect(await refusal("image_export", { name: further, file })).toBe("ALREADY_EXISTS");
          await result("image_delete", { name: further });
          expect(await result("image_import", { file })).toEqual({ images: [further] });
          expect(await item("image_get", { name: further })).toMatchObject({ name: further });
          await result("image_delete", { name: further });
          expect(await result("image_import", { file, name: `${own}/rootfs` })).toEqual({ images: [`${own}/rootfs:latest`] });
          await result("image_delete", { name: `${own}/rootfs` });
          writeFileSync(file, "no archive");
          expect(await refusal("image_import", { file })).toMatch(/TASK_FAILED|INVALID_INPUT|UPSTREAM/);
          expect(await refusal("image_import", { file: join(folder, "none") })).toBe("INVALID_INPUT");
        } finally {
          rmSync(folder, { recursive: true });
        }
      });

      if (registry)
        it("is pushed to a registry and pulled from it", async () => {
          const { item, result, refusal } = bench();
          const reference = `${registry}/${own}/pushed:1`;
          await item("image_tag", { name: image, new_name: reference });
          expect(await result("image_push", { name: reference })).toMatchObject({ image: reference, digest: expect.stringMatching(/^sha256:/) });
          await result("image_delete", { name: reference });
          expect(await item("image_pull", { image: reference })).toMatchObject({ name: reference });
          await result("image_delete", { name: reference });
          expect(await refusal("image_pull", { image: `${registry}/${own}/none:1` })).toMatch(/NOT_FOUND|FORBIDDEN/);
        });
    });

    describe("a network", () => {
      it("is created, joined, left and deleted", async () => {
        const { item, refusal, call } = bench();
        const network = `${own}-n`;
        const subnet = `172.30.${process.pid % 250}.0/24`;
        expect(await item("network_create", { name: network, subnet, labels: { suite: "conformance" } })).toMatchObject({
          name: network,
          driver: "bridge",
          subnets: [subnet],
          tags: ["suite=conformance"],
        });
        try {
          expect(await refusal("network_create", { name: network })).toBe("ALREADY_EXISTS");
          await withContainer({ networks: ["bridge", network] }, async () => {
            const members = async (): Promise<unknown[]> =>
              ((await item("network_get", { name: network }))["containers"] as Row[]).map((one) => one["name"]);
            expect(await item("container_get", { name })).toMatchObject({ networks: expect.arrayContaining(["bridge", network]) });
            expect(await members()).toEqual([name]);
            expect(await refusal("network_delete", { name: network })).toBe("WRONG_STATE");
            expect(await refusal("network_connect", { name: network, container: name })).toBe("ALREADY_EXISTS");
            await item("network_disconnect", { name: network, container: name });
            expect(await members()).toEqual([]);
            expect(await refusal("network_disconnect", { name: network, container: name })).toBe("WRONG_STATE");
            await item("network_connect", { name: network, container: name, aliases: ["again"] });
            expect(await members()).toEqual([name]);
            expect(await refusal("network_connect", { name: network, container: "no-such-container" })).toBe("NOT_FOUND");
          });
        } finally {
          expect(await call("network_delete", { name: network })).toMatchObject({ deleted: true });
        }
        expect(await refusal("network_delete", { name: "bridge" })).toBe("UNSUPPORTED");
      });
    });

    describe("a volume", () => {
      it("is created, used and deleted", async () => {
        const { item, refusal, call } = bench();
        const volume = `${own}-data`;
        expect(await item("volume_create", { name: volume, labels: { suite: "conformance" } })).toMatchObject({ name: volume, driver: "local" });
        await withContainer({ volumes: [`${volume}:/data`], start: false }, async () => {
          expect(await refusal("volume_delete", { name: volume })).toBe("WRONG_STATE");
        });
        expect(await call("volume_delete", { name: volume })).toMatchObject({ deleted: true });
        expect(await refusal("volume_delete", { name: volume })).toBe("NOT_FOUND");
        expect(await refusal("volume_create", { name: volume, driver: "no-such-driver" })).toMatch(/NOT_FOUND|INVALID_INPUT/);
      });
    });

    describe("what is lost", () => {
      it("is said before a container, a volume or a network goes", async () => {
        const volume = `${own}-lost`;
        await withContainer({ volumes: [`${volume}:/kept`], start: false }, async ({ result }) => {
          await result("container_files_write", { name, path: "/tmp/lost", content: "x".repeat(5000) });
          expect(await question("container_delete", { name })).toMatch(
            new RegExp(`"${name}".*It is created.*lost: 5 kB.*Kept: 1 named volume, ${volume}`),
          );
          expect(await question("volume_delete", { name: volume })).toMatch(new RegExp(`All its data is lost.*In 1 container: ${name}`));
          expect(await question("container_files_write", { name, path: "/tmp/lost", content: "" })).toMatch(/5 kB\) is replaced/);
          expect(await question("container_prune", {})).toMatch(new RegExp(`would go, with .* outside of volumes: .*${name}`));
          expect(await question("system_prune", { volumes: true })).toMatch(new RegExp(name));
        });
        expect(await question("volume_prune", { all: true })).toMatch(new RegExp(`would be lost: .*${volume}`));
        expect(await question("volume_prune", {})).not.toContain(volume);
        await bench().call("volume_delete", { name: volume });
        expect(await question("network_delete", { name: "bridge" })).toMatch(/running container/);
        expect(await question("image_delete", { name: image })).toMatch(/It has to be pulled or built again|Only this name goes/);
      });
    });

    describe("the engine", () => {
      it("says what it is, has and uses", async () => {
        const { result } = bench();
        expect(await result("system_info")).toMatchObject({ name: expect.any(String), cpu: expect.any(Number), containers: expect.any(Number) });
        expect(await result("system_version")).toMatchObject({ version: expect.stringMatching(/\d/), api: expect.stringMatching(/^1\.\d+$/) });
        const usage = (await result("system_disk_usage")) as { images: { count: number; size: number }; total: number };
        expect(usage.images.count).toBeGreaterThan(0);
        expect(usage.total).toBeGreaterThanOrEqual(usage.images.size);
      });

      it("tells what happened, within bounds", async () => {
        const { item, call, result } = bench();
        await item("container_create", { name, image, start: false });
        await item("container_start", { name });
        await call("container_delete", { name, force: true });
        const { events } = (await result("system_events", { since: "1m", name })) as { events: Row[] };
        expect(events.map(({ what }) => what)).toEqual(expect.arrayContaining(["create", "start", "destroy"]));
        expect(events.every(({ kind, name: of }) => kind === "container" && of === name)).toBe(true);
        const few = (await result("system_events", { since: "1m", limit: 2 })) as { events: Row[]; truncated: boolean };
        expect([few.events.length, few.truncated]).toEqual([2, true]);
      });

      it("has compose projects, by the labels of their containers", async () => {
        const { item, result, rows, refusal } = bench();
        const project = `${own}p`;
        const label = (service: string, needs = "") => ({
          "com.docker.compose.project": project,
          "com.docker.compose.service": service,
          "com.docker.compose.oneoff": "False",
          "com.docker.compose.depends_on": needs,
          "com.docker.compose.project.working_dir": "/srv/none",
          "com.docker.compose.project.config_files": "/srv/none/compose.yaml",
        });
        const members = { [`${own}-web`]: label("web", "db:service_started:false"), [`${own}-db`]: label("db") };
        try {
          for (const [member, labels] of Object.entries(members)) await item("container_create", { name: member, image, labels });
          expect(await rows("compose_project_list", { where: { name: project } })).toEqual([
            expect.objectContaining({ name: project, status: "running", services: ["db", "web"], containers: 2, running: 2, folder: "/srv/none" }),
          ]);
          await item("container_stop", { name: `${own}-db`, timeout: 1 });
          expect(await item("compose_project_get", { name: project })).toMatchObject({ running: 1 });
          expect(await item("compose_project_restart", { name: project, timeout: 1 })).toMatchObject({ status: "running", running: 2 });
          expect(await result("compose_project_ps", { name: project, services: ["db"] })).toMatchObject({
            containers: [{ service: "db", status: "running" }],
          });
          expect(((await result("compose_project_logs", { name: project })) as { logs: Row[] }).logs.map(({ service }) => service).sort()).toEqual([
            "db",
            "web",
          ]);
          expect(await refusal("compose_project_logs", { name: project, services: ["none"] })).toBe("NOT_FOUND");
          expect(await question("compose_project_down", { name: project, volumes: true })).toMatch(
            new RegExp(`2 containers would be deleted: ${own}-db, ${own}-web`),
          );
        } finally {
          for (const member of Object.keys(members)) await bench().call("container_delete", { name: member, force: true });
        }
        expect(await refusal("compose_project_restart", { name: project })).toBe("NOT_FOUND");
      });
    });

    it("lists nothing of a swarm that it is not in, and says so", async () => {
      const { call, refusal } = bench();
      const { swarm } = (await bench().result("system_info")) as { swarm: string };
      if (swarm === "active") return;
      for (const kind of ["node", "service", "task", "stack"])
        expect(await call(`${kind}_list`), kind).toMatchObject({ items: [], notes: ["This engine is not part of a swarm."] });
      expect(await refusal("service_scale", { name: "web", replicas: 1 })).toBe("NOT_FOUND");
    });
  };

/** What a manager of a swarm has to do. `service` is replicated, has one task, and may be scaled. */
export const swarmScenario =
  ({ service }: { service: string }) =>
  (bench: () => Bench): void => {
    const name = service;

    it("shows its nodes, services and tasks", async () => {
      const { rows, item } = bench();
      const [manager] = await rows("node_list", { where: { role: ["manager"] } });
      expect(manager).toMatchObject({ status: "ready", leader: true });
      expect(await item("node_get", { name: String(manager?.["id"]) })).toMatchObject({ name: manager?.["name"] });
      expect(await item("service_get", { name })).toMatchObject({ name, mode: "replicated", replicas: 1 });
      expect(await rows("task_list", { where: { service: name, wanted: ["running"] } })).toHaveLength(1);
    });

    it("changes a node", async () => {
      const { rows, item } = bench();
      const [node] = await rows("node_list", { where: { role: ["manager"] } });
      expect(await item("node_update", { name: String(node?.["name"]), labels: { suite: "conformance" } })).toMatchObject({
        tags: ["suite=conformance"],
      });
      expect(await item("node_update", { name: String(node?.["name"]), labels: {} })).toMatchObject({ tags: [] });
    });

    it("scales and updates a service, and reads its log", async () => {
      const { item, result, rows, refusal } = bench();
      expect(await item("service_scale", { name, replicas: 2 })).toMatchObject({ replicas: 2 });
      await expect.poll(async () => (await rows("task_list", { where: { service: name, wanted: ["running"] } })).length, { timeout: 20_000 }).toBe(2);
      expect(await item("service_scale", { name, replicas: 1 })).toMatchObject({ replicas: 1 });
      const [before] = await rows("task_list", { where: { service: name, wanted: ["running"] } });
      await item("service_update", { name, env: { MODE: "changed" }, restart: true });
      await expect
        .poll(async () => (await rows("task_list", { where: { service: name, wanted: ["running"], status: ["running"] } })).map(({ id }) => id), {
          timeout: 60_000,
        })
        .not.toContain(before?.["id"]);
      expect(await result("service_logs", { name, tail: 5 })).toMatchObject({ truncated: false });
      expect(await refusal("service_scale", { name: "no-such-service", replicas: 1 })).toBe("NOT_FOUND");
    }, 120_000);
  };
