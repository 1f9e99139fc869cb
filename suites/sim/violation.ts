// What ends a simulation at once: something that must never happen has happened.

export class Violation extends Error {
  /** The invariant, as it stands in the verdict. */
  readonly check: string;

  constructor(check: string, message: string) {
    super(message);
    this.name = "Violation";
    this.check = check;
  }
}

/** A process of the simulation ends here, in the middle of what it does. */
export class ProcessEnd extends Error {
  readonly how: "kill" | "power-cut";

  constructor(how: "kill" | "power-cut") {
    super(how);
    this.name = "ProcessEnd";
    this.how = how;
  }
}
