// Histories of list-append for each anomaly: what must be found in them, and near misses with nothing.

export type Case = { claim: string; history: string; shows: readonly string[] };

function shows(name: string, also: readonly string[], ...histories: readonly string[]): Case[] {
  return histories.map((history, index) => ({
    claim: `${name}, ${index + 1}`,
    history,
    shows: [...also, name],
  }));
}

function passes(claim: string, history: string): Case {
  return { claim: `near miss: ${claim}`, history, shows: [] };
}

export const LIST_CASES: readonly Case[] = [
  // Two transactions that overwrite each other.
  ...shows(
    "G0",
    [],
    "x+1 y+1\n x+2 y+2\n x=[1 2] y=[2 1]",
    "x+1 y+1\n x+2 z+2\n y+3 z+3\n x=[1 2] z=[2 3] y=[3 1]",
    "x+1 y+1\n x+2 y+2\n x=[1 2] y=[2 1 9]\n info: y+9",
  ),
  passes("two writers in the same order everywhere", "x+1 y+1\n x+2 y+2\n x=[1 2] y=[1 2]"),
  ...shows(
    "G1c",
    [],
    "x+1 y=[2]\n y+2 x=[1]",
    "x+1 y=[2]\n y+2 z=[3]\n z+3 x=[1]",
    "x+1 y+1\n x+2 y=[1]\n y+3 x=[1 2]\n y=[3 1]",
  ),
  passes("two that read each other's key before it was written", "x+1 y=[]\n y+2 x=[1]"),
];
