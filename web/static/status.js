// The quiet line about what is going on: whether there is a connection, what waits for one, and what
// is being made up for; and the notice of what ends it: another tab, or a revocation.

const QUIET_MILLISECONDS = 1_500;

export class StatusLine {
  #state;
  #connection;
  #sync;
  #line = document.querySelector('[data-status]');
  #elsewhere = document.querySelector('[data-elsewhere]');
  #revoked = document.querySelector('[data-revoked]');
  #timer = 0;

  constructor(state, connection, sync) {
    this.#state = state;
    this.#connection = connection;
    this.#sync = sync;
    connection.addEventListener('status', () => this.#changed());
    sync.addEventListener('running', () => this.#changed());
    state.addEventListener('list', () => this.#changed());
    connection.addEventListener('revoked', () => this.#revoked.showModal());
    this.#revoked.addEventListener('cancel', (event) => event.preventDefault());
    this.#elsewhere
      .querySelector('[data-use-here]')
      .addEventListener('click', () => connection.useHere());
    this.#changed();
  }

  /** Said only when it lasts: most interruptions are over before anyone could read of them. */
  #changed() {
    const { status } = this.#connection;
    document.body.dataset.connection = status;
    this.#elsewhere.hidden = status !== 'elsewhere';
    if (this.#words === '') this.#say('');
    else if (!this.#line.hidden) this.#say(this.#words);
    else this.#timer ||= setTimeout(() => this.#say(this.#words), QUIET_MILLISECONDS);
  }

  get #words() {
    const { status } = this.#connection;
    const waiting = this.#state.outgoing.filter(({ problem }) => !problem).length;
    const messages = waiting === 1 ? '1 message' : `${waiting} messages`;
    if (status === 'connecting') return 'Connecting…';
    if (status === 'offline') {
      const [what, who] = navigator.onLine
        ? ['No connection to the server', 'it']
        : ['Offline', 'the network'];
      const waits = waiting > 0 ? ` (${messages} waiting)` : '';
      return `${what} — what you write is sent when ${who} is back${waits}`;
    }
    if (status !== 'online') return '';
    if (waiting > 0) return `Sending ${messages}…`;
    return this.#sync.running > 0 ? 'Fetching what is new…' : '';
  }

  #say(words) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#line.textContent !== words) this.#line.textContent = words;
    this.#line.hidden = words === '';
  }
}
