// Mistakes between the socket and the core: datagrams, fragments, bytes that are no message.

import { FILES, type Mutant } from "./mutant.js";

export const TRANSPORT: readonly Mutant[] = [
  {
    id: "fragment-poisoning",
    wrong: "Fragments are put together whoever sent them.",
    breaks: "progress: a liar spoils the messages of others",
    exposedBy: "a liar that sends wrong fragments of messages it knows",
    patches: [
      {
        file: FILES.fragments,
        find:
          "  const peer = reassembly.peers.get(from) ?? { assemblies: new Map(), bytes: 0 };\n" +
          "  reassembly.peers.set(from, peer);\n",
        replace:
          "  const peer = reassembly.peers.get(0) ?? { assemblies: new Map(), bytes: 0 };\n" +
          "  reassembly.peers.set(0, peer);\n",
      },
    ],
  },
  {
    id: "reassembly-unbounded",
    wrong: "Unfinished messages are kept however many there are.",
    breaks: "bounded memory",
    exposedBy: "a liar that begins messages and never ends them",
    patches: [
      {
        file: FILES.fragments,
        find: "  makeRoom(reassembly, from, peer);\n",
        replace: "  if (from < 0) makeRoom(reassembly, from, peer);\n",
      },
    ],
  },
  {
    id: "large-messages-dropped",
    wrong: "A message that does not fit into a datagram is dropped in silence.",
    breaks: "progress: a view-change that carries much never arrives",
    exposedBy: "a view change, or a batch, of more than a datagram",
    patches: [
      {
        file: FILES.datagram,
        find: "  if (message.length <= room) return [{ kind: WHOLE, parts: [message], message }];\n",
        replace:
          "  if (message.length <= room) return [{ kind: WHOLE, parts: [message], message }];\n" +
          "  if (message.length > room) return [];\n",
      },
    ],
  },
  {
    id: "malformed-kills",
    wrong: "Bytes that end too early are an exception that nobody catches.",
    breaks: "processes: one packet ends a replica",
    exposedBy: "a liar that sends half a message",
    patches: [
      {
        file: FILES.cursor,
        find: "    if (this.malformed || at + bytes > this.buffer.length) {\n      this.malformed = true;\n",
        replace:
          "    if (this.malformed || at + bytes > this.buffer.length) {\n" +
          `      if (bytes > 0) throw new RangeError("past the end");\n` +
          "      this.malformed = true;\n",
      },
    ],
  },
  {
    id: "other-cluster-accepted",
    wrong: "Nothing that is authenticated names its cluster.",
    breaks: "only what a client asked for in this cluster executes",
    exposedBy: "datagrams of another cluster with the same keys",
    patches: [
      {
        file: FILES.datagram,
        find: '    if (datagram[3 + index] !== links.cluster[index]) return "other-cluster";\n',
        replace: '    if (datagram[3 + index] === undefined) return "other-cluster";\n',
      },
      {
        file: FILES.cursor,
        find: `    scratch.write(cluster, at, 8, "hex");\n`,
        replace: "    scratch.fill(cluster.length, at, at + 8);\n",
      },
    ],
  },
  {
    id: "link-unauthenticated",
    wrong: "The MAC of a datagram is not checked.",
    breaks: "linearizable: anyone speaks in anyone's name",
    exposedBy: "corrupted datagrams, and a liar that writes others' numbers on its own",
    patches: [
      {
        file: FILES.datagram,
        find: "  if (!links.keyring.verifyMac(from, content, view.subarray(content.length))) {\n",
        replace: "  if (content.length === 0) {\n",
      },
    ],
  },
];
