/**
 * Make a queue that runs a few jobs at a time, in order.
 * @param {number} limit how many run at once
 * @returns {(job: () => Promise<void>) => void} adds a job
 */
export function makeQueue(limit) {
  const waiting = [];
  let running = 0;

  function next() {
    while (running < limit && waiting.length) {
      running += 1;
      waiting
        .shift()()
        .finally(() => {
          running -= 1;
          next();
        });
    }
  }

  return (job) => {
    waiting.push(job);
    next();
  };
}
