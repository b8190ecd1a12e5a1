// Where a message is written: Enter sends, except on touch screens, where it begins a new line. What
// was begun for one conversation stays with it while another is open.

import { MOST_CHARACTERS, characters, sendable } from './text.js';

const COUNT_FROM = MOST_CHARACTERS - 400;
const TYPING_MILLISECONDS = 3_000;

export class Composer {
  #state;
  #connection;
  #sending;
  #form = document.querySelector('[data-composer]');
  #field = document.querySelector('[data-composer-text]');
  #button = document.querySelector('[data-composer-send]');
  #note = document.querySelector('[data-composer-note]');
  #drafts;
  #peer = null;
  #saidTypingAt = 0;
  #afterSending;

  constructor(state, connection, sending, drafts, afterSending) {
    this.#state = state;
    this.#drafts = drafts;
    this.#connection = connection;
    this.#sending = sending;
    this.#afterSending = afterSending;
    state.addEventListener('open', () => this.#change());
    this.#field.addEventListener('input', () => this.#typed());
    this.#field.addEventListener('keydown', (event) => this.#onKey(event));
    this.#form.addEventListener('submit', (event) => this.#submit(event));
  }

  /** Another conversation was opened. */
  #change() {
    this.#peer = this.#state.openPeer;
    this.#field.value = this.#drafts.of(this.#peer);
    this.#saidTypingAt = 0;
    this.#judge();
    if (this.#peer && !isTouch()) this.#field.focus();
  }

  #typed() {
    this.#judge();
    this.#drafts.keep(this.#peer, this.#field.value);
    const now = Date.now();
    if (!this.#field.value.trim() || now - this.#saidTypingAt < TYPING_MILLISECONDS) return;
    if (!this.#state.opened?.thread.last) return; // nothing was said yet, so nobody is there to tell
    this.#saidTypingAt = now;
    this.#connection.publish('typing', this.#peer, '', { qos: 0 });
  }

  #onKey(event) {
    const sends = event.key === 'Enter' && !event.shiftKey && !event.isComposing && !isTouch();
    if (!sends) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  async #submit(event) {
    event.preventDefault();
    const text = sendable(this.#field.value);
    const peer = this.#peer;
    if (!text || characters(text) > MOST_CHARACTERS) return;
    this.#field.value = '';
    this.#saidTypingAt = 0;
    this.#judge();
    try {
      await this.#sending.write(peer, text);
      if (peer === this.#peer) this.#drafts.keep(peer, this.#field.value);
      else if (sendable(this.#drafts.of(peer)) === text) this.#drafts.keep(peer, '');
    } catch {
      this.#giveBack(peer, text);
    }
    this.#afterSending();
    this.#field.focus();
  }

  /** The browser's disk is full, or the like: the writer has the text again. */
  #giveBack(peer, text) {
    if (peer === this.#peer && !this.#field.value) this.#field.value = text;
    else this.#drafts.keep(peer, text);
    this.#judge();
    this.#say('This browser could not keep the message; is its storage full?', true);
  }

  #judge() {
    const text = sendable(this.#field.value);
    const count = characters(text);
    const over = count - MOST_CHARACTERS;
    this.#button.disabled = !text || over > 0;
    this.#field.setAttribute('aria-invalid', String(over > 0));
    if (over > 0) this.#say(`${over} too many: a message has at most 4,000 characters.`, true);
    else this.#say(count > COUNT_FROM ? `${-over} characters left` : '', false);
  }

  #say(words, isProblem) {
    this.#note.textContent = words;
    this.#note.hidden = words === '';
    this.#note.dataset.isProblem = String(isProblem);
  }
}

const isTouch = () => matchMedia('(pointer: coarse)').matches;
