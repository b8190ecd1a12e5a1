// Where a message is written: Enter sends, except on touch screens, where it begins a new line. What
// was begun for one conversation stays with it while another is open. It is for an answer or another
// wording too; what it is about is composer_about.js.

import { About } from './composer_about.js';
import { isThere } from './changes.js';
import { write } from './templates.js';
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
  #about;
  #peer = null;
  #saidTypingAt = 0;
  #afterSending;

  constructor(state, connection, sending, drafts, afterSending) {
    this.#state = state;
    this.#drafts = drafts;
    this.#connection = connection;
    this.#sending = sending;
    this.#afterSending = afterSending;
    this.#about = new About(
      state,
      () => this.#cancel(),
      () => this.#judge(),
    );
    state.addEventListener('open', () => this.#change());
    this.#field.addEventListener('input', () => this.#typed());
    this.#field.addEventListener('keydown', (event) => this.#onKey(event));
    this.#form.addEventListener('submit', (event) => this.#submit(event));
  }

  /** Begin an answer to this message of the open conversation. */
  reply(seq) {
    if (this.#isEditing) this.#cancel();
    this.#about.begin(this.#peer, 'reply', seq);
    this.#field.focus();
  }

  /** Begin another wording of this own message; the draft comes back afterwards. */
  edit(seq) {
    const text = this.#state.opened.text(seq);
    if (!text || !isThere(this.#state.expected(this.#peer, text))) return;
    this.#about.begin(this.#peer, 'edit', seq);
    this.#field.value = this.#state.expected(this.#peer, text).text;
    this.#judge();
    this.#field.focus();
  }

  get #isEditing() {
    return this.#about.of(this.#peer).kind === 'edit';
  }

  /** It is about a new message again. */
  #cancel() {
    const wasEditing = this.#isEditing;
    this.#about.end(this.#peer);
    if (wasEditing) this.#field.value = this.#drafts.of(this.#peer);
    this.#judge();
    this.#field.focus();
  }

  /** Another conversation was opened. */
  #change() {
    if (this.#isEditing) this.#about.end(this.#peer);
    this.#peer = this.#state.openPeer;
    this.#field.value = this.#drafts.of(this.#peer);
    this.#saidTypingAt = 0;
    this.#about.paint();
    this.#judge();
    if (this.#peer && !isTouch()) this.#field.focus();
  }

  #typed() {
    this.#judge();
    if (!this.#isEditing) this.#drafts.keep(this.#peer, this.#field.value);
    const now = Date.now();
    if (!this.#field.value.trim() || now - this.#saidTypingAt < TYPING_MILLISECONDS) return;
    if (!this.#state.opened?.newest) return; // nothing was said yet, so nobody is there to tell
    this.#saidTypingAt = now;
    this.#connection.publish('typing', this.#peer, '', { qos: 0 });
  }

  #onKey(event) {
    if (event.key === 'Escape' && this.#about.of(this.#peer).kind) {
      event.preventDefault();
      return this.#cancel();
    }
    if (event.key === 'ArrowUp' && !this.#field.value && !this.#about.of(this.#peer).kind) {
      const last = this.#state.lastOwn(this.#peer);
      if (last) event.preventDefault();
      return last && this.edit(last.seq);
    }
    const sends = event.key === 'Enter' && !event.shiftKey && !event.isComposing && !isTouch();
    if (!sends) return undefined;
    event.preventDefault();
    return this.#form.requestSubmit();
  }

  async #submit(event) {
    event.preventDefault();
    const text = sendable(this.#field.value);
    const peer = this.#peer;
    if (!text || characters(text) > MOST_CHARACTERS) return;
    const { kind, seq } = this.#about.of(peer);
    this.#saidTypingAt = 0;
    if (kind === 'edit') {
      await this.#rewrite(peer, seq, text);
      return;
    }
    this.#field.value = '';
    this.#about.end(peer);
    this.#judge();
    try {
      await this.#sending.write(peer, text, seq);
      if (peer === this.#peer) this.#drafts.keep(peer, this.#field.value);
      else if (sendable(this.#drafts.of(peer)) === text) this.#drafts.keep(peer, '');
    } catch {
      this.#giveBack(peer, text);
    }
    this.#afterSending();
    this.#field.focus();
  }

  /** Another wording of an own message; none, if it is the one that it had. */
  async #rewrite(peer, seq, text) {
    const isSame = text === this.#state.expected(peer, this.#state.opened.text(seq)).text;
    this.#cancel();
    try {
      if (!isSame) await this.#sending.change(peer, 'edit', seq, text);
    } catch {
      this.edit(seq);
      this.#giveBack(peer, text);
    }
  }

  /** The browser's disk is full, or the like: the writer has the text again. */
  #giveBack(peer, text) {
    if (peer === this.#peer && (this.#isEditing || !this.#field.value)) this.#field.value = text;
    else this.#drafts.keep(peer, text);
    this.#judge();
    this.#say('This browser could not keep the message; is its storage full?', true);
  }

  #judge() {
    const text = sendable(this.#field.value);
    const count = characters(text);
    const over = count - MOST_CHARACTERS;
    this.#button.disabled = !text || over > 0;
    write(this.#button, 'name', this.#isEditing ? 'Save' : 'Send');
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
