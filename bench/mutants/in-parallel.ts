/** Maps with at most `jobs` at a time; the results are in the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  jobs: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const waiting = [...items.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      results.set(index, await task(item));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
