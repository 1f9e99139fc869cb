// A model of one's own: a counter that is added to and read. Named on the command line:
//   ordeal check history.edn --model ./counter.js
// Types: import("ordeal/checker").Model<number>

export const model = {
  name: "counter",
  /** The state before all operations. */
  init: 0,
  /** The state after the call, or undefined where it cannot have been answered like this. */
  step(state, { f, value }) {
    if (f === "add") return state + value;
    return value === null || value === state ? state : undefined;
  },
  // The rest may be left out. This is why: calls that never change anything are placed at once,
  refuse: ({ f }) =>
    f === "add" || f === "read" ? undefined : `a counter knows add, read, not ${f}`,
  isReadOnly: ({ f }) => f === "read",
  // and this is for people.
  describeState: (state) => `the counter is at ${state}`,
};
