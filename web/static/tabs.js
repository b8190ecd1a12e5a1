// The tabs of this browser that show the same account: elects the one that holds the connection
// (Web Locks) and carries what they tell each other (BroadcastChannel). Sends events: `lead`,
// `follow`, `displaced` (a newer tab took over, where a page has no Web Locks) and `told`.

const ANSWER_MILLISECONDS = 3_000;
const ASK_MILLISECONDS = 10_000;

export class Tabs extends EventTarget {
  leads = false;
  /** False where the page has no Web Locks (plain http beyond localhost): the newest tab leads. */
  areElected = Boolean(navigator.locks);
  #channel;
  #lock;
  #candidacy = new AbortController();
  #heardOfLeader = false;

  constructor(account) {
    super();
    this.#lock = `katydid ${account}`;
    this.#channel = new BroadcastChannel(this.#lock);
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data));
  }

  /** Take part: lead when nobody does, else follow until the leader is gone. */
  join() {
    if (!this.areElected) return this.takeOver();
    this.#stand();
    setInterval(() => this.#askForLeader(), ASK_MILLISECONDS);
    document.addEventListener('visibilitychange', () => this.#askForLeader());
    return this.#askForLeader();
  }

  /** Without Web Locks: lead, and have the others step back. */
  takeOver() {
    this.tell({ type: 'takes over' });
    this.#lead();
  }

  /** Tell the other tabs. */
  tell(message) {
    this.#channel.postMessage(message);
  }

  #hear(message) {
    if (message.type === 'who leads?') return this.leads && this.tell({ type: 'leads' });
    if (message.type === 'leads') return (this.#heardOfLeader = true);
    if (message.type === 'takes over') return this.leads && this.#stepBack('displaced');
    return this.dispatchEvent(new CustomEvent('told', { detail: message }));
  }

  async #stand(options = { signal: this.#candidacy.signal }) {
    try {
      await navigator.locks.request(this.#lock, options, () => {
        this.#lead();
        return new Promise(() => {}); // held until the tab closes
      });
    } catch {
      // AbortError: our waiting was called off, or a tab took the lock that we held.
      if (this.leads) this.#followAgain();
    }
  }

  #lead() {
    this.leads = true;
    this.dispatchEvent(new Event('lead'));
  }

  #followAgain() {
    this.#candidacy = new AbortController();
    this.#stepBack('follow');
    this.#stand();
  }

  #stepBack(event) {
    this.leads = false;
    this.dispatchEvent(new Event(event));
  }

  /** Phones freeze tabs in the background, and a frozen leader serves nobody: then take its place. */
  async #askForLeader() {
    if (this.leads || document.visibilityState !== 'visible') return;
    this.#heardOfLeader = false;
    this.tell({ type: 'who leads?' });
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MILLISECONDS));
    if (this.leads || this.#heardOfLeader || document.visibilityState !== 'visible') return;
    this.#candidacy.abort();
    this.#stand({ steal: true });
  }
}
