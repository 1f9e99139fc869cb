// The options of `ordeal run`: from text to numbers, refused with one line each.

import { CRASH_POINTS, type CrashPoint } from "../nemesis/faults.js";
import { parseNemesisNames } from "../nemesis/packages.js";
import { oneLine, UsageError } from "./usage-error.js";

/** As commander gives them: text, or absent. */
export type RawRunOptions = {
  readonly env?: string;
  readonly inventory?: string;
  readonly replicas?: string;
  readonly timeLimit?: string;
  readonly concurrency?: string;
  readonly rate?: string;
  readonly accounts?: string;
  readonly seed?: string;
  readonly nemesis?: string;
  readonly killAt?: string;
  readonly nemesisInterval?: string;
  readonly testCount?: string;
  readonly store?: string;
  readonly junit?: string;
  readonly replicaBuild?: string;
  readonly only?: string;
  readonly scenario?: string;
  readonly beyondF?: true;
};

export type RunOptions = {
  /** Absent: the best that can run here. */
  env?: string;
  /** The file that names the hosts of `ssh`. */
  inventory?: string;
  replicas: number;
  /** Load and faults; absent: the suite's own. */
  timeLimitS?: number;
  /** Sessions that work at a time; absent: the suite's own count. */
  concurrency?: number;
  /** Operations a second over all sessions; 0: as many as the cluster takes. */
  rate: number;
  /** Absent: as many as the sessions need. */
  accounts?: number;
  /** Absent: drawn, and printed. */
  seed?: number;
  /** Packages in place of the suite's own. */
  nemesis?: readonly string[];
  /** Where replicas kill themselves, beside what else happens. */
  killAt?: CrashPoint;
  nemesisIntervalS?: number;
  /** Absent: 1, and for a table its own count. */
  testCount?: number;
  store: string;
  junit?: string;
  /** More replicas than f may be faulty; the run is expected to be unsafe, and must be caught. */
  beyondF?: boolean;
  /** A build whose node/ is run instead of ours. */
  replicaBuild?: string;
};

export const REPLICAS_MAX = 31;
export const CONCURRENCY_MAX = 1_000;
/** Operations a second, where none are asked for. */
export const RATE = 200;
/** A checker can tell operations apart while few sessions share an account. */
export const SESSIONS_PER_ACCOUNT_MAX = 4;

export function parseRunOptions(raw: RawRunOptions): RunOptions {
  const replicas = parseReplicas(raw.replicas ?? "4");
  return {
    ...given("env", raw.env),
    ...given("inventory", raw.inventory),
    replicas,
    ...given("timeLimitS", raw.timeLimit, (text) => decimal("--time-limit", text, 0.5, 86_400)),
    ...given("concurrency", raw.concurrency, (text) => parseConcurrency(text, replicas)),
    rate: raw.rate === undefined ? RATE : decimal("--rate", raw.rate, 0, 1_000_000),
    ...given("accounts", raw.accounts, (text) => integer("--accounts", text, 2, 100_000)),
    ...given("seed", raw.seed, (text) => integer("--seed", text, 0, 0xffff_ffff)),
    ...given("nemesis", raw.nemesis, parseNames),
    ...given("killAt", raw.killAt, parsePoint),
    ...given("nemesisIntervalS", raw.nemesisInterval, (text) =>
      decimal("--nemesis-interval", text, 0.1, 3_600),
    ),
    ...given("testCount", raw.testCount, (text) => integer("--test-count", text, 1, 10_000)),
    store: raw.store ?? "store",
    ...given("junit", raw.junit),
    ...given("replicaBuild", raw.replicaBuild),
    ...(raw.beyondF === undefined ? {} : { beyondF: raw.beyondF }),
  };
}

/** Faulty replicas that n replicas tolerate. */
export function faultsTolerated(replicas: number): number {
  return Math.floor((replicas - 1) / 3);
}

export function parseReplicas(text: string): number {
  const replicas = integer("--replicas", text, 4, REPLICAS_MAX);
  if (replicas % 3 === 1) return replicas;
  const below = 3 * Math.floor((replicas - 1) / 3) + 1;
  throw new UsageError(
    "bad-option",
    `--replicas wants 3f+1 replicas, found ${replicas}: pass ${below} or ${below + 3}`,
  );
}

function parseConcurrency(text: string, replicas: number): number {
  const multiple = /^(\d{0,4})n$/.exec(text);
  const count =
    multiple === null ? text : String((multiple[1] === "" ? 1 : Number(multiple[1])) * replicas);
  return integer("--concurrency", count, 1, CONCURRENCY_MAX, `${text} (a count, or 2n)`);
}

/**
 * Sessions and accounts of a run, where a suite has so many sessions by itself. Throws UsageError
 * where the accounts asked for are too few for a checker to tell the sessions' operations apart.
 */
export function sizesOf(
  options: RunOptions,
  suiteConcurrency = 2 * options.replicas,
): { concurrency: number; accounts: number } {
  const concurrency = options.concurrency ?? suiteConcurrency;
  const least = Math.max(2, Math.ceil(concurrency / SESSIONS_PER_ACCOUNT_MAX));
  const accounts = options.accounts ?? Math.max(8, least);
  if (accounts >= least) return { concurrency, accounts };
  throw new UsageError(
    "bad-option",
    `--accounts wants at least ${least} (a quarter of the ${concurrency} sessions), ` +
      `found ${accounts}: pass more accounts or a smaller --concurrency`,
  );
}

function parsePoint(text: string): CrashPoint {
  const found = CRASH_POINTS.find((point) => point === text);
  if (found !== undefined) return found;
  throw new UsageError(
    "bad-option",
    `--kill-at wants a point, found "${text}": pass one of ${CRASH_POINTS.join(", ")}`,
  );
}

function parseNames(text: string): readonly string[] {
  try {
    return parseNemesisNames(text);
  } catch (error) {
    throw new UsageError("bad-option", `--nemesis: ${oneLine(error)}`);
  }
}

export function integer(
  option: string,
  text: string,
  min: number,
  max: number,
  shown = text,
): number {
  if (/^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new UsageError(
    "bad-option",
    `${option} wants a whole number from ${min} to ${max}, found "${shown}"`,
  );
}

function decimal(option: string, text: string, min: number, max: number): number {
  const plain = /^\d{1,9}(\.\d{1,6})?$/.test(text);
  if (plain && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new UsageError(
    "bad-option",
    `${option} wants a number from ${min} to ${max}, found "${text}"`,
  );
}

function given<K extends string>(key: K, text: string | undefined): { [P in K]?: string };
function given<K extends string, T>(
  key: K,
  text: string | undefined,
  parse: (text: string) => T,
): { [P in K]?: T };
function given(key: string, text: string | undefined, parse?: (text: string) => unknown) {
  if (text === undefined) return {};
  return { [key]: parse === undefined ? text : parse(text) };
}
