/** Work that waits its turn: a few at once, each with its progress; cancel and retry. */

/**
 * @typedef {"waiting"|"running"|"done"|"failed"|"cancelled"} State
 */

/** A piece of work. */
export class Task {
  /**
   * @param {(options: {signal: AbortSignal, onProgress: (share: number) => void}) => Promise<void>}
   *   work rejects with an AbortError when the signal is given
   */
  constructor(work) {
    this.work = work;
    /** @type {State} */
    this.state = "waiting";
    /** How much of it is done, 0 to 1. */
    this.progress = 0;
    /** @type {Error|null} */
    this.error = null;
    this.abort = new AbortController();
    /** Called whenever something of it has changed. */
    this.onChange = () => {};
  }

  get isOver() {
    return this.state !== "waiting" && this.state !== "running";
  }
}

/** Runs tasks in the order they came. */
export class Queue {
  /**
   * @param {number} atOnce
   * @param {(queue: Queue) => void} onChange called whenever something of a task has changed
   */
  constructor(atOnce, onChange) {
    this.atOnce = atOnce;
    this.onChange = onChange;
    /** @type {Task[]} */
    this.tasks = [];
  }

  /** @param {Task} task */
  add(task) {
    this.tasks.push(task);
    this.changed(task);
    this.next();
  }

  /** @param {Task} task */
  cancel(task) {
    if (task.isOver) return;
    task.abort.abort();
    if (task.state === "waiting") this.end(task, "cancelled");
  }

  /** @param {Task} task that is told of no more */
  drop(task) {
    this.cancel(task);
    this.tasks = this.tasks.filter((each) => each !== task);
    this.onChange(this);
  }

  cancelAll() {
    for (const task of this.tasks) this.cancel(task);
  }

  /** @param {Task} task that failed or was cancelled */
  retry(task) {
    task.abort = new AbortController();
    task.error = null;
    task.progress = 0;
    this.become(task, "waiting");
    this.next();
  }

  retryAll() {
    for (const task of this.tasks.filter(({ state }) => isLost(state))) this.retry(task);
  }

  /** Forget what is over. */
  clear() {
    this.tasks = this.tasks.filter((task) => !task.isOver);
    this.onChange(this);
  }

  /** @returns {{total: number, over: number, done: number, lost: number, progress: number}} */
  get counts() {
    const states = this.tasks.map(({ state }) => state);
    const shares = this.tasks.map((task) => (task.isOver ? 1 : task.progress));
    return {
      total: this.tasks.length,
      over: this.tasks.filter((task) => task.isOver).length,
      done: states.filter((state) => state === "done").length,
      lost: states.filter(isLost).length,
      progress: shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length),
    };
  }

  next() {
    const running = this.tasks.filter(({ state }) => state === "running").length;
    const waiting = this.tasks.filter(({ state }) => state === "waiting");
    for (const task of waiting.slice(0, Math.max(0, this.atOnce - running))) this.run(task);
  }

  async run(task) {
    this.become(task, "running");
    const onProgress = (share) => {
      task.progress = share;
      this.changed(task);
    };
    try {
      await task.work({ signal: task.abort.signal, onProgress });
      this.end(task, "done");
    } catch (error) {
      task.error = error;
      this.end(task, error.name === "AbortError" ? "cancelled" : "failed");
    }
  }

  end(task, state) {
    this.become(task, state);
    this.next();
  }

  become(task, state) {
    task.state = state;
    this.changed(task);
  }

  changed(task) {
    task.onChange();
    this.onChange(this);
  }
}

function isLost(state) {
  return state === "failed" || state === "cancelled";
}
