// Loaded ahead of every test file that draws random cases: the same cases in every run, so that a
// change is judged by what it changed and not by luck. PROPERTY_SEED=7 draws others, =random new ones each
// time; a failure prints the seed that fast-check used.

import fc from "fast-check";

const { PROPERTY_SEED = "20261127" } = process.env;

if (PROPERTY_SEED !== "random") {
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(PROPERTY_SEED) });
}
