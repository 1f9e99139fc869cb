import assert from "node:assert/strict";
import { homedir } from "node:os";
import { test } from "uvu";
import { UsageError } from "../usage-error.js";
import { parseInventory, placeNodes, readInventory } from "./inventory.js";

const PATH = "/etc/ordeal/hosts";

const N1 = {
  name: "n1",
  address: "10.0.0.1",
  port: 22,
  user: "root",
  identity: "/etc/ordeal/keys/id",
  listen: "10.0.0.1",
  sudo: false,
  role: "replica",
  node: "node",
};

function refusal(text: string): string {
  try {
    parseInventory(text, PATH);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("the same hosts in JSON and in lines", () => {
  const json = JSON.stringify({
    hosts: [
      { name: "n1", address: "10.0.0.1", user: "root", identity: "keys/id" },
      {
        name: "k",
        address: "h.example",
        port: 2222,
        sudo: true,
        role: "client",
        listen: "10.0.0.9",
      },
    ],
  });
  const lines = `
    # replicas stand first
    n1 ansible_host=10.0.0.1 ansible_user=root ansible_ssh_private_key_file=keys/id
    [clients]
    k address=h.example port=2222 ansible_become=yes listen=10.0.0.9  ; a client`;
  const k = {
    ...N1,
    ...{ name: "k", address: "h.example", port: 2222, user: undefined, identity: undefined },
    ...{ listen: "10.0.0.9", sudo: true, role: "client" },
  };
  assert.deepEqual(parseInventory(json, PATH), [N1, k]);
  assert.deepEqual(parseInventory(lines, PATH), [N1, k]);
});

test("what vagrant prints is an inventory; hosts whose names begin with c are for clients", () => {
  const config = `Host r0
  HostName 127.0.0.1
  User vagrant
  Port 2200
  UserKnownHostsFile /dev/null
  IdentityFile "/home/a b/key"

Host c0
  HostName 127.0.0.2
  User vagrant
  IdentityFile ~/.vagrant/key
`;
  const [r0, c0] = parseInventory(config, PATH);
  assert.deepEqual(
    [r0?.name, r0?.address, r0?.port, r0?.user, r0?.identity, r0?.role, r0?.sudo],
    ["r0", "127.0.0.1", 2200, "vagrant", "/home/a b/key", "replica", true],
  );
  assert.deepEqual([c0?.role, c0?.identity], ["client", `${homedir()}/.vagrant/key`]);
  // Containers are all reached at one address, by different ports; nodes know them by others.
  const forwarded = config.replace("127.0.0.2", "127.0.0.1");
  const listens = parseInventory(forwarded, PATH, (name) => `10.218.0.${name === "r0" ? 11 : 15}`);
  assert.deepEqual(
    listens.map(({ address, listen }) => [address, listen]),
    [
      ["127.0.0.1", "10.218.0.11"],
      ["127.0.0.1", "10.218.0.15"],
    ],
  );
});

test("what is wrong with an inventory is said in one line that names it", () => {
  const cases: readonly [string, RegExp][] = [
    ["", /it names no host/],
    ['{"hosts":[}', /no JSON/],
    ['{"nodes":[]}', /want \{"hosts"/],
    ["n1 address", /line 1: want name=value, found address/],
    ["n1 colour=red", /host n1: no field colour/],
    ["n1 port=0", /port wants a number from 1 to 65535, found 0/],
    ["n1 sudo=perhaps", /sudo wants yes or no, found perhaps/],
    ["n1 role=leader", /role wants replica or client, found leader/],
    ["-oProxyCommand=x a=b", /no host can be called/],
    ["n1 address=-oProxyCommand=x", /address cannot be "-oProxyCommand=x"/],
    ["n1\nn1", /two hosts have the name n1/],
    ["n1 address=a\nn2 address=a", /two hosts have the listen a/],
  ];
  for (const [text, wanted] of cases) {
    const message = refusal(text);
    assert.match(message, wanted);
    assert.ok(message.startsWith(`--inventory ${PATH}: `) && !message.includes("\n"));
  }
  assert.throws(
    () => readInventory("/no/such/file"),
    /--inventory \/no\/such\/file: cannot be read/,
  );
});

test("nodes are placed on hosts of their role, one each, or the run is refused", () => {
  const hosts = parseInventory("k role=client\nn1\nn2", PATH);
  const placed = placeNodes(hosts, ["r0", "r1"], ["c0"]);
  assert.deepEqual(
    [...placed].map(([node, { name }]) => `${node}@${name}`),
    ["r0@n1", "r1@n2", "c0@k"],
  );
  assert.throws(
    () => placeNodes(hosts, ["r0"], ["c0", "c1"]),
    /2 hosts with the role client.* has 1/,
  );
});

test.run();
