import { suite } from "uvu";
import * as assert from "uvu/assert";
import { STANDING_TOOLS } from "./standing-tools.js";

const test = suite("standing-tools");

function ask(argv: readonly string[], stdin = "") {
  const requests = STANDING_TOOLS.flatMap((tool) => tool.ask(argv, stdin, "mark") ?? []);
  assert.is(requests.length, 1, argv.join(" "));
  const [request] = requests;
  if (request === undefined) throw new Error("nobody is asked");
  return request;
}

test("a restore has answered when its comment is said, with what was listed before", () => {
  const { text, answer } = ask(["iptables-nft-restore", "--noflush", "-w", "5"], "*filter\nCOMMIT");
  assert.is(text, "*filter\nCOMMIT\n# mark\n");
  assert.is(answer("-N ORDEAL-IN\n# ma"), undefined);
  assert.equal(answer("-N ORDEAL-IN\n# mark\n"), { exitCode: 0, said: "-N ORDEAL-IN\n" });
});

test("tc has answered when its last question is, whatever it warned of before", () => {
  const batch = ask(["tc", "-batch", "-"], "class del dev eth0 classid 1:1");
  assert.is(batch.text, "class del dev eth0 classid 1:1\nqdisc show dev lo\n");
  assert.is(batch.answer("Warning: a quantum is small.\n"), undefined);
  assert.equal(batch.answer("Warning: a quantum is small.\n[]\n"), { exitCode: 0, said: "" });
  const show = ask(["tc", "-s", "-j", "qdisc", "show", "dev", "eth0"]);
  assert.is(show.text, "qdisc show dev eth0\nqdisc show dev lo\n");
  assert.is(show.answer('[{"kind":"htb"}]\n'), undefined, "only its own question is answered");
  assert.equal(show.answer('[{"kind":"htb"}]\n[]\n'), { exitCode: 0, said: '[{"kind":"htb"}]' });
});

test("nft gets a transaction in one line, and its errors are told from our own", () => {
  const { text, answer } = ask(["nft", "-f", "-"], "table ip ordeal {\nchain in {\n}\n}\n");
  assert.is(text, "table ip ordeal {; chain in {; }; }\nmark\n");
  const end = "Error: syntax error, unexpected newline\nmark\n    ^\n";
  assert.equal(answer(`table ip ordeal\n${end}`), { exitCode: 0, said: "table ip ordeal\n" });
  const refused = "Error: No such file or directory\nlist chain ip ordeal in\n ^^\n";
  assert.is(answer(refused), undefined);
  assert.equal(answer(`${refused}${end}`), { exitCode: 1, said: refused });
});

test("what is no command for a tool that stands is left to the shell", () => {
  const others = [
    ["tc", "-V"],
    ["iptables-legacy-save"],
    ["iptables-legacy-restore"],
    ["nft"],
    ["ip"],
  ];
  for (const argv of others) {
    assert.equal(
      STANDING_TOOLS.flatMap((tool) => tool.ask(argv, "", "mark") ?? []),
      [],
    );
  }
});

test.run();
