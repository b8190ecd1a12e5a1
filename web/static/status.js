// The quiet line about the connection, and the notice of what ends it: another tab, or a revocation.

const QUIET_MILLISECONDS = 1_500;
const WORDS = {
  connecting: 'Connecting…',
  offline: 'Offline — what you write is sent when the network is back',
};

export class StatusLine {
  #connection;
  #line = document.querySelector('[data-status]');
  #elsewhere = document.querySelector('[data-elsewhere]');
  #revoked = document.querySelector('[data-revoked]');
  #timer = 0;

  constructor(connection) {
    this.#connection = connection;
    connection.addEventListener('status', () => this.#changed());
    connection.addEventListener('revoked', () => this.#revoked.showModal());
    this.#revoked.addEventListener('cancel', (event) => event.preventDefault());
    this.#elsewhere
      .querySelector('[data-use-here]')
      .addEventListener('click', () => connection.useHere());
    this.#changed();
  }

  /** Said only when it lasts: most interruptions are over before anyone could read of them. */
  #changed() {
    clearTimeout(this.#timer);
    const { status } = this.#connection;
    document.body.dataset.connection = status;
    this.#elsewhere.hidden = status !== 'elsewhere';
    if (status in WORDS)
      this.#timer = setTimeout(() => this.#say(WORDS[status]), QUIET_MILLISECONDS);
    else this.#say('');
  }

  #say(words) {
    this.#line.textContent = words;
    this.#line.hidden = words === '';
  }
}
