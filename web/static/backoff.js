// How long to wait between two attempts: doubling, with jitter, so that a thousand browsers do not
// come back in the same instant. Used for the broker, for HTTP and for the outbox.

export class Backoff {
  #attempts = 0;

  /** Waits grow from about `first` to about `most` milliseconds. */
  constructor({ first = 1_000, most = 30_000 } = {}) {
    this.first = first;
    this.most = most;
  }

  /** The next wait in milliseconds: between half of the full one and the full one. */
  next() {
    const full = Math.min(this.most, this.first * 2 ** this.#attempts);
    this.#attempts += 1;
    return full / 2 + (Math.random() * full) / 2;
  }

  reset() {
    this.#attempts = 0;
  }
}

/** Resolves after so many milliseconds, or at once when the network or the reader comes back. */
export function pauseUnlessWoken(milliseconds) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const wake = () => {
      over.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    window.addEventListener('online', wake, { signal: over.signal });
    const becameVisible = () => document.visibilityState === 'visible' && wake();
    document.addEventListener('visibilitychange', becameVisible, { signal: over.signal });
  });
}

/** What `attempt` answers, once it does; its errors are retried for as long as `isTemporary`. */
export async function untilItWorks(attempt, isTemporary) {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTemporary(error)) throw error;
      await pauseUnlessWoken(backoff.next());
    }
  }
}
