import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildTopology, enterPrefix } from "./netns.js";

const test = suite("netns");

test("a topology is one batch for all links, and one process a node", () => {
  const topology = buildTopology(["r0", "c0"]);
  assert.match(topology.create, /ip_forward\n/);
  assert.match(
    topology.create,
    `ip -batch - <<'END' || exit
netns add r0
netns add c0
link set lo up
link add ordeal0 type bridge
addr add 10.77.0.254/24 dev ordeal0
link set ordeal0 up
link add v0 type veth peer name eth0 netns r0
link set v0 master ordeal0 up
link add v1 type veth peer name eth0 netns c0
link set v1 master ordeal0 up
END`,
  );
  assert.match(
    topology.create,
    `nsenter --net=/run/netns/c0 ip -batch - <<'END' &
link set lo up
addr add 10.77.0.2/24 dev eth0
link set eth0 txqueuelen 4 up
END`,
  );
  assert.is(topology.addresses.get("c0"), "10.77.0.2");
  assert.equal(enterPrefix("r0"), ["nsenter", "--net=/run/netns/r0"]);
});

test("everything that setup makes, teardown removes", () => {
  const topology = buildTopology(["r0", "r1"]);
  assert.is(
    topology.teardown[0]?.stdin,
    "link del v0\nlink del v1\nnetns del r0\nnetns del r1\nlink del ordeal0",
  );
});

test("more nodes than addresses are refused", () => {
  const nodes = Array.from({ length: 251 }, (_, index) => `r${index}`);
  assert.throws(() => buildTopology(nodes), /251 nodes do not fit/);
  assert.is(buildTopology(nodes.slice(1)).addresses.size, 250);
});

test.run();
