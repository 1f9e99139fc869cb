// Sketches of histories that each model must reject, and of some that look like it and must pass.

import { independent } from "../independent.js";
import { kv } from "../kv.js";
import type { Model } from "../model.js";
import { multiRegister } from "../multi-register.js";
import { mutex } from "../mutex.js";
import { fifoQueue, unorderedQueue } from "../queue.js";
import { casRegister, register } from "../register.js";
import { set } from "../set.js";

const etcd = casRegister({ nilRead: "nothing", failedCas: "mismatch" });

/** [model, what it is about, history, whether it is legal] */
export const MODEL_CASES: readonly [Model, string, string, boolean][] = [
  [register(), "a stale read", "p0 0-1 write 1\np0 2-3 write 2\np1 4-5 read -> 1", false],
  [
    register(),
    "a read while it is overwritten",
    "p0 0-1 write 1\np0 2-5 write 2\np1 4-6 read -> 1",
    true,
  ],
  [register(), "a value from nowhere", "p0 0-1 write 1\np1 2-3 read -> 7", false],
  [
    register(),
    "two readers that see two writes in two orders",
    "p0 0-9 write 1\np1 0-9 write 2\np2 1-2 read -> 1\np2 3-4 read -> 2\np3 5-6 read -> 1",
    false,
  ],
  [
    register(),
    "a write that took effect between the readers",
    "p0 0-9 write 1\np1 0-4 write 2\np2 1-2 read -> 2\np3 5-6 read -> 1",
    true,
  ],
  [register(), "a read of nil says nothing", "p0 0-1 write 1\np1 2-3 read -> nil", true],
  [register({ initial: 5 }), "an initial value", "p1 2-3 read -> 5", true],
  [
    register({ initial: 5 }),
    "another initial value",
    "p1 2-3 read -> nil\np1 4-5 read -> 6",
    false,
  ],
  [
    register(),
    "an unanswered write, late",
    "p0 0-? write 1\np1 2-3 read -> nil\np1 4-5 read -> 1",
    true,
  ],
  [register(), "a write that failed is seen", "p0 0-1 fail write 1\np1 2-3 read -> 1", false],

  [casRegister(), "a cas that cannot have swapped", "p0 0-1 write 1\np1 2-3 cas [2 3]", false],
  [
    casRegister(),
    "two that swap the same",
    "p0 0-1 write 1\np1 2-5 cas [1 2]\np2 2-5 cas [1 3]",
    false,
  ],
  [
    casRegister(),
    "one after the other",
    "p0 0-1 write 1\np1 2-5 cas [1 2]\np2 2-5 cas [2 3]",
    true,
  ],
  [
    casRegister(),
    "a cas in time to be seen",
    "p0 0-1 write 1\np1 2-? cas [1 2]\np2 3-4 read -> 2",
    true,
  ],
  [
    casRegister(),
    "an unanswered cas, twice",
    "p0 0-1 write 1\np1 2-? cas [1 2]\np2 3-4 read -> 2\np2 5-6 read -> 1",
    false,
  ],
  [
    casRegister(),
    "a write may not be taken early because it changes nothing now",
    "p0 0-1 write 1\np1 2-9 write 1\np2 3-4 write 2\np2 5-6 read -> 2\np3 7-8 read -> 1",
    true,
  ],
  [etcd, "a refused cas that should have swapped", "p0 0-1 write 1\np1 2-3 fail cas [1 2]", false],
  [
    etcd,
    "a refused cas while it is overwritten",
    "p0 0-1 write 1\np0 2-5 write 3\np1 2-4 fail cas [1 2]",
    true,
  ],
  [
    etcd,
    "a refused cas, though nobody else wrote",
    "p0 0-1 write 1\np1 2-3 cas [1 2]\np1 4-5 fail cas [2 3]",
    false,
  ],
  [etcd, "nil after a write", "p0 0-1 write 1\np1 2-3 read -> nil", false],
  [etcd, "nil before a write", "p0 0-9 write 1\np1 2-3 read -> nil", true],

  [mutex(), "held twice", "p0 0-1 acquire\np1 2-3 acquire", false],
  [mutex(), "released in between", "p0 0-1 acquire\np0 2-5 release\np1 2-3 acquire", true],
  [mutex(), "refused while it is held", "p0 0-1 acquire\np1 2-3 fail acquire", true],
  [mutex(), "released by nobody", "p0 0-1 release", false],
  [
    mutex(),
    "released once, acquired twice",
    "p0 0-1 acquire\np0 2-3 release\np1 2-6 acquire\np2 2-6 acquire",
    false,
  ],
  [mutex(), "an unanswered release", "p0 0-1 acquire\np0 2-? release\np1 4-5 acquire", true],

  [
    kv(),
    "an append that is not seen",
    'p0 0-1 append ["k" "a"]\np1 2-3 get ["k" nil] -> ["k" ""]',
    false,
  ],
  [
    kv(),
    "a put after an append",
    'p0 0-1 append ["k" "a"]\np0 2-3 put ["k" "b"]\np1 4-5 get ["k" nil] -> ["k" "b"]',
    true,
  ],
  [
    kv(),
    "the same under another key",
    'p0 0-1 append ["j" "a"]\np1 2-3 get ["k" nil] -> ["k" ""]',
    true,
  ],
  [
    kv(),
    "appends out of order",
    'p0 0-1 append ["k" "a"]\np0 2-3 append ["k" "b"]\np1 4-5 get ["k" nil] -> ["k" "ba"]',
    false,
  ],
  [
    kv(),
    "concurrent appends",
    'p0 0-3 append ["k" "a"]\np1 0-3 append ["k" "b"]\np1 4-5 get ["k" nil] -> ["k" "ba"]',
    true,
  ],
  [
    kv(),
    "a put undone",
    'p0 0-1 put ["k" "a"]\np0 2-3 put ["k" "b"]\np1 4-5 get ["k" nil] -> ["k" "a"]',
    false,
  ],
  [kv(), "a cas that lies", 'p0 0-1 put ["k" "a"]\np0 2-3 cas ["k" ["b" "c"]]', false],

  [set(), "another element in its place", "p0 0-1 add 1\np1 4-5 read -> #{2}", false],
  [set(), "an element lost", "p0 0-1 add 1\np0 2-3 add 2\np1 4-5 read -> #{2}", false],
  [set(), "an element that nobody added", "p0 0-1 add 1\np1 4-5 read -> #{1 2}", false],
  [
    set(),
    "an element that is gone",
    "p0 0-? add 1\np1 1-2 read -> #{1}\np1 3-4 read -> #{}",
    false,
  ],
  [set(), "an element on its way", "p0 0-? add 1\np1 1-2 read -> #{}\np1 3-4 read -> #{1}", true],
  [set(), "an element added twice", "p0 0-1 add 1\np0 2-3 add 1\np1 4-5 read -> #{1}", true],

  [fifoQueue(), "out of order", "p0 0-1 enqueue 1\np0 2-3 enqueue 2\np1 4-5 dequeue -> 2", false],
  [
    unorderedQueue(),
    "in any order",
    "p0 0-1 enqueue 1\np0 2-3 enqueue 2\np1 4-5 dequeue -> 2",
    true,
  ],
  [fifoQueue(), "concurrent", "p0 0-3 enqueue 1\np1 2-3 enqueue 2\np1 4-5 dequeue -> 2", true],
  [
    fifoQueue(),
    "dequeued twice",
    "p0 0-1 enqueue 1\np1 4-5 dequeue -> 1\np1 6-7 dequeue -> 1",
    false,
  ],
  [
    fifoQueue(),
    "an unanswered dequeue took it",
    "p0 0-1 enqueue 1\np0 2-3 enqueue 2\np2 4-? dequeue\np1 5-6 dequeue -> 2",
    true,
  ],
  [fifoQueue(), "never enqueued", "p0 0-1 enqueue 1\np1 0-3 dequeue -> 2", false],
  [
    unorderedQueue(),
    "dequeued twice",
    "p0 0-1 enqueue 1\np1 4-5 dequeue -> 1\np1 6-7 dequeue -> 1",
    false,
  ],
  [unorderedQueue(), "never enqueued", "p0 0-1 enqueue 1\np1 0-3 dequeue -> 2", false],
  [unorderedQueue(), "dequeued too early", "p0 2-3 enqueue 1\np1 0-1 dequeue -> 1", false],

  [
    multiRegister(),
    "half a transaction",
    "p0 0-1 txn [[:w :x 1] [:w :y 1]]\np1 2-3 txn [[:r :x 1] [:r :y 0]]",
    false,
  ],
  [
    multiRegister({ initial: 0 }),
    "before and after",
    "p0 0-5 txn [[:w :x 1] [:w :y 1]]\np1 1-2 txn [[:r :x 0] [:r :y 0]]\np1 3-4 txn [[:r :x 1] [:r :y 1]]",
    true,
  ],
  [
    multiRegister({ initial: { x: 1 } }),
    "a map of initial values",
    "p1 1-2 txn [[:read :x 1] [:write :x 2] [:read :x 2]]",
    true,
  ],
  [
    multiRegister({ initial: { x: 1 } }),
    "its own write unseen",
    "p1 1-2 txn [[:write :x 2] [:read :x 1]]",
    false,
  ],
  [
    multiRegister({ initial: 0 }),
    "seen in two orders",
    "p0 0-9 txn [[:w :x 1]]\np1 0-9 txn [[:w :y 1]]\np2 1-2 txn [[:r :x 1] [:r :y 0]]\np3 3-4 txn [[:r :x 0] [:r :y 1]]",
    false,
  ],

  [
    independent(register()),
    "stale under its key",
    "p0 0-1 write [3 1]\np0 2-3 write [3 2]\np1 4-5 read [3 nil] -> [3 1]",
    false,
  ],
  [
    independent(register()),
    "another key's value",
    "p0 0-1 write [3 1]\np0 2-3 write [4 2]\np1 4-5 read [3 nil] -> [3 2]",
    false,
  ],
  [
    independent(register()),
    "a key right, another wrong",
    "p0 0-1 write [3 1]\np0 2-3 write [4 2]\np1 4-5 read [3 nil] -> [3 1]\np1 6-7 read [4 nil] -> [4 1]",
    false,
  ],
  [
    independent(register()),
    "another key",
    "p0 0-1 write [3 1]\np0 2-3 write [4 2]\np1 4-5 read [3 nil] -> [3 1]",
    true,
  ],
];
