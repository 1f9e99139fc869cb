// Which hosts there are: an inventory file, in JSON, in lines of words (as Ansible's), or as ssh itself
// writes its configuration (`vagrant ssh-config`).

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { errorCode } from "../append-file.js";
import { UsageError } from "../usage-error.js";
import { isObject, type JsonObject } from "./json-lines.js";

export type HostRole = "replica" | "client";

export type Host = {
  name: string;
  /** Where ssh finds it. */
  address: string;
  port: number;
  user: string | undefined;
  /** A file with a private key; absent: whatever ssh would use. */
  identity: string | undefined;
  /** By which address the nodes reach one another; most often the same. */
  listen: string;
  /** Whether to become root by `sudo -n`. */
  sudo: boolean;
  role: HostRole;
  /** The program node there. */
  node: string;
};

const ROLES: readonly HostRole[] = ["replica", "client"];
const FIELDS = [
  ...["name", "address", "port", "user", "identity", "listen", "sudo", "role", "node"],
] as const;

/** Reads the file. Throws UsageError, naming the file and what is wrong in it. */
export function readInventory(path: string): readonly Host[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new UsageError("inventory", `--inventory ${path}: cannot be read (${code})`);
  }
  return parseInventory(text, path);
}

/**
 * Throws UsageError; `path` is what it is called then, and relative key files are relative to it.
 * `listenOf`: by which address nodes reach a host, where the text cannot say that.
 */
export function parseInventory(
  text: string,
  path: string,
  listenOf?: (name: string) => string,
): readonly Host[] {
  const raw = text.trimStart().startsWith("{")
    ? fromJson(text, path)
    : /^\s*Host\s/m.test(text)
      ? fromSshConfig(text)
      : fromLines(text, path);
  const named = raw.map((entry) => hostOf(entry, path));
  const hosts =
    listenOf === undefined
      ? named
      : named.map((host) => ({ ...host, listen: listenOf(host.name) }));
  if (hosts.length === 0) throw refused(path, "it names no host");
  for (const key of ["name", "listen"] as const) {
    const values = hosts.map((host) => host[key]);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw refused(path, `two hosts have the ${key} ${twice}`);
  }
  return hosts;
}

/** Each node's host: replicas first, on hosts of that role. Throws UsageError where there are too few. */
export function placeNodes(
  hosts: readonly Host[],
  replicas: readonly string[],
  clients: readonly string[],
): ReadonlyMap<string, Host> {
  const placed = new Map<string, Host>();
  const place = (nodes: readonly string[], role: HostRole) => {
    const free = hosts.filter((host) => host.role === role);
    if (free.length < nodes.length) {
      throw new UsageError(
        "inventory",
        `the run wants ${nodes.length} hosts with the role ${role}, one for each process, and the ` +
          `inventory has ${free.length}: add hosts, or pass a smaller --replicas or --concurrency`,
      );
    }
    for (const [index, node] of nodes.entries()) {
      const host = free[index];
      if (host !== undefined) placed.set(node, host);
    }
  };
  place(replicas, "replica");
  place(clients, "client");
  return placed;
}

function fromJson(text: string, path: string): readonly JsonObject[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw refused(path, `no JSON: ${error.message}`);
    throw error;
  }
  const hosts = isObject(value) ? value["hosts"] : undefined;
  if (!Array.isArray(hosts) || !hosts.every(isObject)) {
    throw refused(path, 'want {"hosts": […]} with an object for each');
  }
  return hosts;
}

/** `n1 address=10.0.0.1 sudo=yes`, one host a line; `[client]` is the role of those that follow. */
function fromLines(text: string, path: string): readonly JsonObject[] {
  let role = "replica";
  return text.split("\n").flatMap((full, index): JsonObject[] => {
    const line = full.replace(/[#;].*$/, "").trim();
    if (line === "") return [];
    const section = /^\[(\w+?)s?\]$/.exec(line);
    if (section !== null) {
      role = section[1] ?? role;
      return [];
    }
    const [name = "", ...words] = line.split(/\s+/);
    const pairs = words.map((word) => {
      const [, key = "", value = ""] = /^(?:ansible_)?(\w+)=(.+)$/.exec(word) ?? [];
      if (key === "") throw refused(path, `line ${index + 1}: want name=value, found ${word}`);
      return [ANSIBLE.get(key) ?? key, value];
    });
    return [{ name, role, ...Object.fromEntries(pairs) }];
  });
}

const ANSIBLE = new Map([
  ["host", "address"],
  ["ssh_private_key_file", "identity"],
  ["become", "sudo"],
]);

/** What `vagrant ssh-config` prints. The role is in the name: hosts called c… are for clients. */
function fromSshConfig(text: string): readonly JsonObject[] {
  const hosts: Record<string, string>[] = [];
  for (const line of text.split("\n")) {
    const [, key = "", quoted = ""] = /^\s*(\w+)[\s=]+(.*?)\s*$/.exec(line) ?? [];
    const value = quoted.replace(/^"(.*)"$/, "$1");
    if (key.toLowerCase() === "host") {
      hosts.push({ name: value, role: /^c\d/.test(value) ? "client" : "replica", sudo: "yes" });
    }
    const field = SSH_CONFIG.get(key.toLowerCase());
    const host = hosts.at(-1);
    if (field !== undefined && host !== undefined) host[field] = value;
  }
  return hosts;
}

const SSH_CONFIG = new Map([
  ["hostname", "address"],
  ["port", "port"],
  ["user", "user"],
  ["identityfile", "identity"],
]);

function hostOf(entry: JsonObject, path: string): Host {
  const name = String(entry["name"] ?? "");
  if (!/^[\w][\w.-]{0,62}$/.test(name)) throw refused(path, `no host can be called "${name}"`);
  const unknown = Object.keys(entry).find((key) => !FIELDS.some((known) => known === key));
  if (unknown !== undefined) {
    throw refused(path, `host ${name}: no field ${unknown} (there are: ${FIELDS.join(", ")})`);
  }
  const text = (key: string) => (entry[key] === undefined ? undefined : String(entry[key]));
  const address = text("address") ?? name;
  const port = Number(text("port") ?? 22);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw refused(path, `host ${name}: port wants a number from 1 to 65535, found ${text("port")}`);
  }
  const role = ROLES.find((known) => known === (text("role") ?? "replica"));
  if (role === undefined) {
    throw refused(path, `host ${name}: role wants ${ROLES.join(" or ")}, found ${text("role")}`);
  }
  // An option of ssh, or of a command there, would start with a dash.
  for (const key of ["address", "user", "listen", "node"]) {
    if (text(key)?.startsWith("-") === true || /[\s'"]/.test(text(key) ?? "")) {
      throw refused(path, `host ${name}: ${key} cannot be "${text(key)}"`);
    }
  }
  const listen = text("listen") ?? address;
  const identity = text("identity");
  return {
    name,
    address,
    port,
    user: text("user"),
    identity: identity === undefined ? undefined : keyPath(identity, path),
    listen,
    sudo: flag(text("sudo"), name, path),
    role,
    node: text("node") ?? "node",
  };
}

function keyPath(identity: string, path: string): string {
  if (identity.startsWith("~/")) return resolve(homedir(), identity.slice(2));
  return isAbsolute(identity) ? identity : resolve(path, "..", identity);
}

function flag(text: string | undefined, name: string, path: string): boolean {
  if (text === undefined || /^(no|false)$/i.test(text)) return false;
  if (/^(yes|true)$/i.test(text)) return true;
  throw refused(path, `host ${name}: sudo wants yes or no, found ${text}`);
}

function refused(path: string, why: string): UsageError {
  return new UsageError("inventory", `--inventory ${path}: ${why}`);
}
