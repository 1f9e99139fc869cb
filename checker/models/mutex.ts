// A mutex: acquire and release. Source: knossos.model/mutex

import type { Model } from "./model.js";

export function mutex(): Model<"free" | "locked"> {
  return {
    name: "mutex",
    init: "free",
    step(state, { f }) {
      if (f === "acquire") return state === "free" ? "locked" : undefined;
      return state === "locked" ? "free" : undefined;
    },
    refuse: ({ f }) =>
      f === "acquire" || f === "release" ? undefined : `a mutex knows acquire, release, not ${f}`,
    describe: ({ f }) => f,
    describeState: (state) => `the mutex is ${state}`,
  };
}
