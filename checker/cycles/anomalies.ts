// The anomalies by name, and which of them contains which: what has G0 has G1c, too.
// Sources: Adya, "Weak Consistency" (1999); Alvaro & Kingsbury, "Elle" (VLDB 2020); jepsen.io/consistency.

export const CYCLE_KINDS = ["G0", "G1c", "G-single", "G-nonadjacent", "G2-item"] as const;
export type CycleKind = (typeof CYCLE_KINDS)[number];

/** Whether a cycle needs only data, or also the order of a process, or of real time. */
export const CYCLE_ORDERS = ["", "-process", "-realtime"] as const;
export type CycleOrder = (typeof CYCLE_ORDERS)[number];

export type CycleName = `${CycleKind}${CycleOrder}`;

/** What is seen without a graph: in one transaction, one read, or one key's versions. */
export type DirectName =
  | "internal"
  | "future-read"
  | "G1a"
  | "G1b"
  | "dirty-update"
  | "duplicate-elements"
  | "incompatible-order"
  | "garbage-read"
  | "cyclic-versions"
  | "lost-update";

export type AnomalyName = CycleName | DirectName;

/** Unions of anomalies that models proscribe, never found by themselves. */
export type AnomalyClass = AnomalyName | "G1" | "G1-process" | "G1-realtime" | "write-skew";

const ORDERS_ABOVE: Readonly<Record<CycleOrder, readonly CycleOrder[]>> = {
  "": ["-process"],
  "-process": ["-realtime"],
  "-realtime": [],
};

/** Every read and write here is of an item, never of a predicate: each G-single is a G2-item. */
const KINDS_ABOVE: Readonly<Record<CycleKind, readonly (CycleKind | "G1")[]>> = {
  G0: ["G1c"],
  G1c: ["G1"],
  "G-single": ["G-nonadjacent"],
  "G-nonadjacent": ["G2-item"],
  "G2-item": [],
};

const DIRECT_ABOVE: readonly (readonly [AnomalyClass, readonly AnomalyClass[]])[] = [
  ["G1a", ["G1"]],
  ["G1b", ["G1"]],
  // Two reads that fit no one order of versions: one of them saw what never was committed.
  ["incompatible-order", ["G1a"]],
  ["dirty-update", ["G1a"]],
  // What nobody wrote was certainly not committed.
  ["garbage-read", ["G1a"]],
  // A transaction that depends on itself.
  ["future-read", ["G1c"]],
  ["lost-update", ["write-skew", "G2-item"]],
  ["G1", ["G1-process"]],
  ["G1-process", ["G1-realtime"]],
];

const ABOVE: ReadonlyMap<AnomalyClass, readonly AnomalyClass[]> = new Map<
  AnomalyClass,
  readonly AnomalyClass[]
>([
  ...CYCLE_KINDS.flatMap((kind) =>
    CYCLE_ORDERS.map((order): [AnomalyClass, AnomalyClass[]] => [
      `${kind}${order}`,
      [
        ...ORDERS_ABOVE[order].map((wider): AnomalyClass => `${kind}${wider}`),
        ...KINDS_ABOVE[kind].map((wider): AnomalyClass => `${wider}${order}`),
      ],
    ]),
  ),
  ...DIRECT_ABOVE,
]);

/** The anomalies and all that they contain. */
export function impliedAnomalies(names: Iterable<AnomalyClass>): ReadonlySet<AnomalyClass> {
  const found = new Set<AnomalyClass>(names);
  for (const name of found) for (const wider of ABOVE.get(name) ?? []) found.add(wider);
  return found;
}
