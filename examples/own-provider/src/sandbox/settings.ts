import { refuse } from "./refusal.ts";
import { authorize, bodyOf, boxFor, type Handler, MISSING, text, texts } from "./request.ts";
import { collaboratorView, containerView } from "./views.ts";

const WEEK = 604_800;
const ABSENT = `container for user %s not found: ${MISSING}`;

export const ttl: Handler = (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const seconds = Number(bodyOf(request, ["durationSeconds"])["durationSeconds"] ?? 0);
  if (seconds > WEEK) refuse(`duration_seconds ${seconds} exceeds maximum of ${WEEK} (7 days)`, "InvalidArgument");
  const box = boxFor(request, ABSENT, "NotFound");
  box.ttl = seconds > 0 ? Date.now() + seconds * 1000 : undefined;
  return { ttlExpiresAt: box.ttl === undefined ? null : new Date(box.ttl).toISOString() };
};

export const deletePolicy: Handler = (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const { deletePolicy: policy } = bodyOf(request, ["deletePolicy"]);
  boxFor(request, ABSENT, "NotFound").isProtected = policy === "DELETE_POLICY_PROTECTED";
  return { deletePolicy: policy };
};

export const autoSleep: Handler = (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const { enabled, idleThresholdMinutes } = bodyOf(request, ["enabled", "idleThresholdMinutes"]);
  const box = boxFor(request, ABSENT, "NotFound");
  const minutes = Number(idleThresholdMinutes ?? 0) || (box.idle ?? 15);
  box.idle = enabled === true ? minutes : undefined;
  return {
    message: enabled === true ? `auto-sleep enabled at ${minutes}m` : "auto-sleep disabled",
    autoSleepEnabled: enabled === true,
    idleThresholdMinutes: minutes,
  };
};

export const cleanupDisk: Handler = async (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const box = boxFor(request, `failed to clean up disk: container not found: ${MISSING}`);
  await request.work();
  const freed = Math.round(box.diskUsed / 20);
  box.diskUsed -= freed;
  return {
    message: "Removed temporary files, package caches and old journals",
    freedBytes: String(freed),
    container: containerView(request.state, box),
  };
};

export const addKey: Handler = (request) => {
  authorize(request, "ssh:write", request.parts[0]);
  const key = text(bodyOf(request, ["sshPublicKey"])["sshPublicKey"]) || refuse("ssh_public_key is required");
  if (!/^(ssh|ecdsa)-\S+ \S+/.test(key)) refuse("invalid ssh public key: ssh: no key found");
  const box = boxFor(request, "add authorized key: user %s not found");
  if (!box.keys.includes(key)) box.keys.push(key);
  return { message: `SSH key added for ${box.username}`, totalKeys: box.keys.length };
};

export const removeKey: Handler = (request) => {
  authorize(request, "ssh:write", request.parts[0]);
  const box = boxFor(request, "remove authorized key: user %s not found");
  box.keys = box.keys.filter((one) => one !== request.parts[1]);
  return { message: `SSH key removed for ${box.username}`, totalKeys: box.keys.length };
};

export const debug: Handler = (request) => {
  authorize(request, "containers:read", request.parts[0]);
  const username = request.parts[0] ?? "";
  const box = request.state.boxes.get(username);
  const running = box?.state === "RUNNING";
  return {
    containerState: box ? box.state.toLowerCase() : "missing",
    hostUserExists: box !== undefined,
    hostUserShell: box ? "/usr/local/bin/containarium-shell" : "",
    hostUserShellExists: box !== undefined,
    recentSshdRejections: [],
    likelyCause: !box ? "container does not exist" : running ? "no obvious host-side problem" : "container is not running",
    nextActions: !box ? ["create the container"] : running ? [] : [`start the container of ${username}`],
    sourceRepo: "https://github.com/footprintai/containarium",
    daemonVersion: "0.21.0",
    sshIngressHost: "ssh.containarium.example",
  };
};

export const collaborators: Handler = (request) => {
  authorize(request, "containers:read", request.parts[0]);
  const box = boxFor(request, `failed to list collaborators: container not found: ${MISSING}`);
  const found = box.collaborators.map((one) => collaboratorView(box.username, one));
  return { collaborators: found, totalCount: found.length };
};

export const addCollaborator: Handler = (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const fields = ["collaboratorUsername", "sshPublicKey", "grantSudo", "grantContainerRuntime", "sshPublicKeys"];
  const body = bodyOf(request, fields);
  const name = text(body["collaboratorUsername"]) || refuse("collaborator_username is required");
  const box = boxFor(request, `failed to add collaborator: container not found: ${MISSING}`);
  if (box.collaborators.some((one) => one.name === name)) refuse(`failed to add collaborator: collaborator ${name} already exists`);
  const one = {
    name,
    keys: texts(body["sshPublicKeys"]),
    sudo: body["grantSudo"] === true,
    docker: body["grantContainerRuntime"] === true,
    added: Date.now(),
  };
  box.collaborators.push(one);
  return {
    message: `Collaborator ${name} added to ${box.username}-container`,
    collaborator: collaboratorView(box.username, one),
    sshCommand: `ssh ${box.username}-container-${name}@ssh.containarium.example`,
  };
};

export const removeCollaborator: Handler = (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const box = boxFor(request, `failed to remove collaborator: container not found: ${MISSING}`);
  const name = request.parts[1] ?? "";
  if (!box.collaborators.some((one) => one.name === name)) refuse(`failed to remove collaborator: collaborator ${name} not found`);
  box.collaborators = box.collaborators.filter((one) => one.name !== name);
  return { message: `Collaborator ${name} removed from ${box.username}-container` };
};

export const stacks: Handler = (request) => {
  authorize(request, "containers:read");
  const version = { name: "version", label: "Version", description: "Major release", type: "string", default: "22", required: false };
  return {
    stacks: [
      { id: "nodejs", name: "Node.js", description: "Node.js with npm, yarn and pnpm", icon: "nodejs", parameters: [version] },
      { id: "python", name: "Python", description: "Python 3 with pip, venv and poetry", icon: "python", parameters: [] },
      { id: "database", name: "Databases", description: "PostgreSQL and Redis", icon: "database", parameters: [] },
    ],
  };
};
