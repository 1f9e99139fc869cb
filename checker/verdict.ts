// Three-valued verdicts and how they merge. Source: jepsen.checker (merge-valid, exit codes).

export type Valid = true | false | "unknown";

/** One check's finding. A check that crashed is `valid: "unknown"` with `crashed` set. */
export type CheckResult = {
  valid: Valid;
  /** One sentence for people: what was proved, or what is wrong, or why it is not known. */
  summary: string;
  /** Set where the check itself failed: the error's message. */
  crashed?: string;
  /** Numbers worth a table: counts, budgets, times. */
  figures?: Readonly<Record<string, number | string>>;
  /** Details of an anomaly, ready to print line by line. */
  explanation?: readonly string[];
};

export type Verdict = {
  "valid?": Valid;
  /** By check name, in the order they ran. */
  checks: Readonly<Record<string, CheckResult>>;
};
