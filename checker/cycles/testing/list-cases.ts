// Histories of list-append for each anomaly: all that must be found in them, and near misses in
// which nothing may be found.

export type Case = {
  claim: string;
  history: string;
  shows: readonly string[];
  /** Anomalies that it looks like, and does not show. */
  misses: readonly string[];
};

function shows(names: string, ...histories: readonly string[]): Case[] {
  return histories.map((history, index) => ({
    claim: `${names}, ${index + 1}`,
    history,
    shows: names.split(" "),
    misses: [],
  }));
}

function passes(names: string, claim: string, history: string): Case {
  return { claim: `near miss: ${claim}`, history, shows: [], misses: names.split(" ") };
}

const DATA: readonly Case[] = [
  ...shows(
    "G0",
    "x+1 y+1\n x+2 y+2\n x=[1 2] y=[2 1]",
    "x+1 y+1\n x+2 z+2\n y+3 z+3\n x=[1 2] z=[2 3] y=[3 1]",
    "x+1 y+1\n info: x+2 y+2\n x=[1 2] y=[2 1]",
  ),
  passes("G0", "two writers in the same order everywhere", "x+1 y+1\n x+2 y+2\n x=[1 2] y=[1 2]"),
  ...shows(
    "G1c",
    "x+1 y=[2]\n y+2 x=[1]",
    "x+1 y=[2]\n y+2 z=[3]\n z+3 x=[1]",
    "x+1 y=[2]\n x+2 y+2\n x=[1 2]",
    "x+1 x=[1] y=[1]\n x+2 y+1",
  ),
  passes(
    "G1c",
    "each reads the other's key before it is written, or after",
    "x+1 y=[]\n y+2 x=[1]",
  ),
  ...shows(
    "G-single",
    "x+1 y+1\n x=[1] y=[]",
    "x+1\n x=[1] z+1\n z=[1] x=[]",
    "x+1 y+1\n y+2 x=[]\n y=[1 2]",
  ),
  passes("G-single", "a reader before both writes", "x+1 y+1\n x=[] y=[]"),
  ...shows(
    "lost-update G-single",
    "x=[] x+1\n x=[] x+2\n x=[1 2]",
    "x+1\n x=[1] x+2\n x=[1] y+1 x+3\n x=[1 3 2]",
    "x=[] y=[] x+1\n x=[] z=[] x+2\n x=[2 1]",
  ),
  // Nobody saw which of the two came first: whichever did, the other overwrote what it had read.
  ...shows("lost-update G2-item", "x=[] x+1\n x=[] x+2"),
  passes(
    "lost-update G2-item",
    "two updates, one upon the other",
    "x=[] x+1\n x=[1] x+2\n x=[1 2]",
  ),
  ...shows(
    "G-nonadjacent",
    "x+1\n y+1\n x=[1] y=[]\n x=[] y=[1]",
    "x+1\n y+1\n z+1\n x=[1] y=[]\n y=[1] z=[]\n z=[1] x=[]",
    "x+1\n y+1\n x+2 y=[]\n y+2 x=[]\n x=[1 2]\n y=[1 2]",
    "x+1 y=[]\n y+1 x=[]\n x=[1] y=[]\n x=[] y=[1]",
  ),
  passes("G-nonadjacent", "a fork that is none", "x+1\n y+1\n x=[1] y=[]\n x=[1] y=[1]"),
  ...shows(
    "G2-item",
    "x=[] y+1\n y=[] x+1",
    "x=[] y+1\n y=[] z+1\n z=[] x+1",
    "a=[] c+2\n a+1 b=[]\n b+1 c+1\n c=[1 2]",
  ),
  passes("G2-item", "one of the two saw the other", "x=[] y+1\n y=[1] x+1"),
];

const ORDERS: readonly Case[] = [
  // A write that may still be under way precedes nothing, though its process went on.
  ...shows("G-single", "p0 0-1 info: x+2 y+1\n p0 2-9: x+1\n p1 2-9: y=[1] x=[]\n p2 2-9: x=[1 2]"),
  ...shows(
    "G0-process",
    "p0 0-1: x+2\n p0 2-3: x+1\n x=[1 2]",
    "p0 0-1: x+2\n p0 2-3: z+1\n p0 4-5: x+1\n x=[1 2]",
    "p0 0-1: x+2\n p0 2- info: x+1\n x=[1 2]",
  ),
  passes(
    "G0-process",
    "a process whose first write is not known to be over",
    "p0 0-1 info: x+2\n p0 2-3: x+1\n x=[1 2]",
  ),
  ...shows(
    "G1c-process",
    "p0 0-1: x=[1]\n p0 2-3: x+1",
    "p0 0-1: x=[1]\n p0 2-3: y+1\n p1 0-3: x+1 y=[1]",
    "p0 0-1: x=[1]\n p0 2-3: y+1\n p0 4-5: x+1",
  ),
  passes("G1c-process", "a process that reads what it wrote", "p0 0-1: x+1\n p0 2-3: x=[1]"),
  ...shows(
    "G-single-process",
    "p0 0-1: x+1\n p0 2-3: x=[]",
    "p0 0-1: x=[1]\n p0 2-3: x=[]\n x+1",
    "p0 0-1: x+1\n p0 2-3: y=[]\n p0 4-5: x=[]",
  ),
  passes(
    "G-single-process",
    "a process that reads more and more",
    "p0 0-1: x=[]\n p0 2-3: x=[1]\n x+1",
  ),
  ...shows(
    "G-nonadjacent-process G-single-realtime",
    "p0 0-1: x+1\n p0 2-5: y=[]\n p1 0-3: y+1\n p1 4-5: x=[]",
    "p0 0-1: x+1\n p0 2-9: y=[]\n p1 0-3: y+1\n p1 4-9: z=[]\n p2 0-5: z+1\n p2 6-9: x=[]",
    "p0 0-1: x=[1]\n p0 2-5: y=[]\n p1 0-3: y+1\n p1 4-5: x=[]\n x+1",
  ),
  passes(
    "G-nonadjacent-process",
    "one of two processes that sees the other's append",
    "p0 0-1: x+1\n p0 2-5: y=[]\n p1 0-3: y+1\n p1 4-5: x=[1]",
  ),
  ...shows(
    "G2-item-process G-single-realtime",
    "p0 0-1: x+1\n p0 2-9: y=[]\n p1 0-3: y+1 z=[]\n p2 0-3: z+1\n p2 4-5: x=[]",
    "p0 0-1: x=[1]\n p0 2-9: y=[]\n p1 0-3: y+1 z=[]\n p2 0-3: z+1\n p2 4-5: x=[]\n x+1",
    "p0 0-1: x+1\n p0 2-9: y=[]\n p1 0-3: y+1 z=[]\n p2 0-3: z+1 w=[]\n p3 0-3: w+1\n p3 4-5: x=[]",
  ),
  passes(
    "G2-item-process",
    "the same, but the last one sees the first",
    "p0 0-1: x+1\n p0 2-9: y=[]\n p1 0-3: y+1 z=[]\n p2 0-3: z+1\n p2 4-5: x=[1]",
  ),
  ...shows(
    "G0-realtime",
    "p0 0-1: x+2\n p1 2-3: x+1\n x=[1 2]",
    "p0 0-1: x+3\n p1 2-3: x+1\n x+2\n x=[1 2 3]",
    "p0 0-1: x+2\n p1 2- info: x+1\n x=[1 2]",
  ),
  passes("G0-realtime", "writes that overlap", "p0 0-3: x+2\n p1 2-5: x+1\n x=[1 2]"),
  ...shows(
    "G1c-realtime",
    "p0 0-1: x=[1]\n p1 2-3: x+1",
    "p0 0-1: x=[1] y=[2]\n p1 0-5: x+1\n p2 2-3: y+2",
    "p0 0-1: x=[1 2]\n p1 2-3: x+1\n x+2",
  ),
  passes("G1c-realtime", "a read while its append is under way", "p0 0-3: x=[1]\n p1 2-5: x+1"),
  passes(
    "G1c-realtime",
    "processes that see each other's appends",
    "p0 0-1: x+1\n p0 2-5: y=[1]\n p1 0-3: y+1\n p1 4-5: x=[1]",
  ),
  ...shows(
    "G-single-realtime",
    "p0 0-1: x+1\n p1 2-3: x=[]",
    "p0 0-1: x=[1]\n p1 2-3: x=[]\n x+1",
    "p0 0-1: y+1\n p1 2-3: y=[1] z+1\n p2 4-5: y=[] z=[]",
  ),
  passes("G-single-realtime", "a read while the write is under way", "p0 0-3: x+1\n p1 2-5: x=[]"),
  passes(
    "G-single-realtime",
    "a read after a write that is not known to be over",
    "p0 0-1 info: x+1\n p1 2-3: x=[]",
  ),
  ...shows(
    "G-nonadjacent-realtime",
    "p0 0-9: x+1\n p1 0-9: x=[1] y=[]\n p2 0-1: y+1\n p3 2-9: x=[]",
    "p0 0-9: x+1\n p1 0-9: y=[] x+2\n p2 0-1: y+1\n p3 2-9: x=[]\n x=[1 2]",
    "p0 0-9: x+1\n p1 0-9: x=[1] y=[]\n p2 0-1: y+1\n p3 2-3: z+1\n p4 4-9: x=[]",
  ),
  passes(
    "G-nonadjacent-realtime",
    "a fork in time",
    "p0 0-9: x+1\n p1 0-9: x=[1] y=[]\n p2 0-3: y+1\n p3 2-9: x=[]",
  ),
  ...shows(
    "G2-item-realtime",
    "p0 2-9: a=[]\n p1 0-9: a+1 b=[]\n p2 0-1: b+1",
    "p0 2-9: a=[]\n p1 0-9: a+1 b=[]\n p2 0-9: b+1 c=[]\n p3 0-1: c+1",
    "p0 4-9: a=[]\n p1 0-9: a+1 b=[]\n p2 0-1: b+1\n p3 2-3: d+1",
  ),
  passes(
    "G2-item-realtime",
    "the same while they overlap",
    "p0 2-9: a=[]\n p1 0-9: a+1 b=[]\n p2 0-3: b+1",
  ),
];

const DIRECT: readonly Case[] = [
  ...shows("internal", "x+1 x=[2]\n x+2", "x=[] x+1 x=[]", "x+1 x+2 x=[2 1]"),
  ...shows("internal G-single", "x=[] x=[1]\n x+1"),
  passes("internal G-single", "its own appends behind what others wrote", "x+2 x=[1 2]\n x+1"),
  passes(
    "internal G-single",
    "what it read, and what it appended since",
    "x=[] x+1 x=[1] x+2 x=[1 2]",
  ),
  ...shows("future-read", "x=[1] x+1\n z+1 z=[1]", "y=[] x=[1] y+2 x+1", "x=[2 1] x+1\n x+2"),
  passes("future-read", "appends upon what it read", "x=[1] x+2\n x+1\n x=[1 2]"),
  ...shows(
    "G1a",
    "fail: x+1\n x=[1]",
    "fail: x+1 y+1\n y=[1]",
    "x+1\n fail: x+2\n x=[1 2]\n x=[1]",
  ),
  passes("G1a", "what may have failed, but was seen", "info: x+1\n x=[1]"),
  passes("G1a", "what failed, and was not seen", "fail: x+1\n x=[2]\n x+2"),
  ...shows(
    "dirty-update G1a",
    "fail: x+1\n x+2\n x=[1 2]",
    "x+1\n fail: x+2\n x+3\n x=[1 2 3]",
    "fail: x+1\n info: x+2\n x+3\n x=[1 2 3]",
  ),
  passes("dirty-update G1a", "an update of what may have failed", "info: x+1\n x+2\n x=[1 2]"),
  ...shows("G1b G-single", "x+1 x+2\n x=[1]", "x+1 y+1 x+2\n x=[1] y=[1]", "x+1 x+2 x+3\n x=[1 2]"),
  passes("G1b G-single", "the last of its appends", "x+1 x+2\n x=[1 2]"),
  passes("G1b G-single", "its own intermediate append", "x+1 x=[1] x+2\n x=[1 2]"),
  ...shows(
    "duplicate-elements",
    "x+1\n x=[1 1]",
    "x+1\n x=[1 1]\n y+1\n y+2\n y=[1 2]",
    "x+1\n x+2\n x=[1 2 1]",
    "x+1\n x+2\n x=[1 2]\n x=[1 2 2]",
  ),
  passes("duplicate-elements", "one element under two keys", "x+1 y+1\n x=[1]\n y=[1]"),
  ...shows(
    "incompatible-order",
    "x+1\n x+2\n x=[1]\n x=[2]",
    "x+1\n x+2\n x=[1 2]\n x=[2]",
    "x+1\n x+2\n x+3\n x=[1 2 3]\n x=[1 3]",
  ),
  passes("incompatible-order", "reads that grow", "x+1\n x+2\n x=[]\n x=[1]\n x=[1 2]"),
  passes("incompatible-order", "what somebody appended, whenever", "x=[7]\n x+7"),
  ...shows("garbage-read", "x=[7]\n x=[]", "x+1\n x=[1 7]", "x+1\n x=[7 1]"),
  passes(
    "garbage-read",
    "what nobody knows to be written, but somebody asked",
    "info: x+7\n x=[7]",
  ),
];

export const LIST_CASES: readonly Case[] = [...DATA, ...ORDERS, ...DIRECT];
