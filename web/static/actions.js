// What one can do with a message: the panel that its button opens, where reactions, answering,
// editing, unsending and copying are, and the question before something is unsent. The reactions
// below a message and the quote in it are buttons too.

import { note } from './announcements.js';
import { isThere } from './changes.js';
import { OFFERED, emojiOf } from './emoji.js';
import { linkTo } from './address.js';
import { made, part } from './templates.js';

const GAP_PIXELS = 6;
const NARROW = '(max-width: 44rem)'; // there the style sheet puts the panel to the lower edge

export class Actions {
  #state;
  #sending;
  #composer;
  #show;
  #panel = document.querySelector('[data-actions]');
  #offered = document.querySelector('[data-offered]');
  #other = document.querySelector('[data-other-reaction]');
  #dialog = document.querySelector('[data-unsend-dialog]');
  #button = null; // which opened the panel
  #seq = 0;

  /** `show` is called with the number of a message that is to be shown. */
  constructor(state, sending, composer, show) {
    this.#state = state;
    this.#sending = sending;
    this.#composer = composer;
    this.#show = show;
    const messages = document.querySelector('[data-messages]');
    messages.addEventListener('click', ({ target }) => this.#clicked(target.closest('button')));
    this.#panel.addEventListener('click', ({ target }) => this.#chosen(target.closest('button')));
    this.#panel.addEventListener('keydown', (event) => this.#onKey(event));
    this.#panel.addEventListener('toggle', ({ newState }) => this.#toggled(newState));
    this.#other.addEventListener('submit', (event) => this.#submitOther(event));
    this.#other.addEventListener('input', () => this.#complain(''));
    state.addEventListener('open', () => this.#panel.hidePopover());
    const answer = (hook, act) =>
      this.#dialog.querySelector(hook).addEventListener('click', () => act());
    answer('[data-keep]', () => this.#dialog.close());
    answer('[data-unsend-now]', () => this.#unsend());
  }

  #clicked(button) {
    const message = button?.closest('[data-message]');
    const seq = Number(message?.dataset.seq);
    if (button?.dataset.act !== undefined) this.#open(button, seq);
    else if (button?.dataset.reaction) this.#react(seq, button.dataset.reaction);
    else if (button?.dataset.quoted) this.#show(Number(button.dataset.quoted));
  }

  #open(button, seq) {
    if (this.#panel.matches(':popover-open')) this.#panel.hidePopover();
    this.#button = button;
    this.#seq = seq;
    const text = this.#text(seq);
    const isOwn = text.from === this.#state.account;
    for (const each of this.#panel.querySelectorAll('[data-own-only]')) each.hidden = !isOwn;
    this.#offer(text.reactions?.[this.#state.account]);
    this.#other.reset();
    this.#complain('');
    button.setAttribute('aria-expanded', 'true');
    this.#panel.showPopover();
    this.#place();
    this.#panel.querySelector('button').focus();
  }

  /** The text of this number as it will be. */
  #text(seq) {
    const { opened } = this.#state;
    return this.#state.expected(opened.peer, opened.text(seq));
  }

  /** The usual ones, and one's own where it is another. */
  #offer(own) {
    const emojis = Object.keys(OFFERED);
    if (own && !OFFERED[own]) emojis.push(own);
    const buttons = emojis.map((emoji) => {
      const button = made('offered');
      button.dataset.reaction = emoji;
      button.setAttribute('aria-pressed', String(emoji === own));
      button.title = OFFERED[emoji] ?? 'Your reaction';
      part(button, 'emoji').textContent = emoji;
      part(button, 'name').textContent = button.title;
      return button;
    });
    this.#offered.replaceChildren(...buttons);
  }

  /** Beside its button, and wholly in the window. */
  #place() {
    if (matchMedia(NARROW).matches) return this.#panel.removeAttribute('style');
    const [at, own] = [this.#button.getBoundingClientRect(), this.#panel.getBoundingClientRect()];
    const isOwn = this.#button.closest('[data-own=true]');
    const left = isOwn ? at.right - own.width : at.left;
    const fitsBelow = at.bottom + GAP_PIXELS + own.height < innerHeight;
    const top = fitsBelow ? at.bottom + GAP_PIXELS : at.top - GAP_PIXELS - own.height;
    const within = (place, size, room) => Math.max(GAP_PIXELS, Math.min(place, room - size - GAP_PIXELS));
    this.#panel.style.left = `${within(left, own.width, innerWidth)}px`;
    this.#panel.style.top = `${within(top, own.height, innerHeight)}px`;
    return undefined;
  }

  #toggled(newState) {
    if (newState === 'closed') this.#button?.setAttribute('aria-expanded', 'false');
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.matches('input')) return;
    event.preventDefault();
    const controls = [...this.#panel.querySelectorAll('button, input')].filter((each) => each.offsetParent);
    const next = controls.indexOf(event.target) + step + controls.length;
    controls[next % controls.length].focus();
  }

  #chosen(button) {
    if (!button || button.type === 'submit') return;
    const seq = this.#seq;
    this.#close();
    if (button.dataset.reaction) this.#react(seq, button.dataset.reaction);
    if (button.dataset.do === 'reply') this.#composer.reply(seq);
    if (button.dataset.do === 'edit') this.#composer.edit(seq);
    if (button.dataset.do === 'copy') this.#copy(this.#text(seq).text);
    if (button.dataset.do === 'link') this.#copy(linkTo(this.#state.account, this.#state.openPeer, seq));
    if (button.dataset.do === 'unsend') this.#ask(seq);
  }

  #close() {
    this.#panel.hidePopover();
    this.#button.focus();
  }

  #submitOther(event) {
    event.preventDefault();
    const emoji = emojiOf(this.#other.elements.emoji.value);
    if (!emoji) return this.#complain('One emoji, please.');
    this.#close();
    return this.#react(this.#seq, emoji);
  }

  #complain(problem) {
    const place = part(this.#other, 'problem');
    place.textContent = problem;
    place.hidden = !problem;
    this.#other.elements.emoji.setAttribute('aria-invalid', String(Boolean(problem)));
  }

  /** The same one again takes it away. */
  #react(seq, emoji) {
    const text = this.#text(seq);
    if (!isThere(text)) return;
    const isGiven = text.reactions?.[this.#state.account] === emoji;
    this.#sending.change(this.#state.openPeer, 'react', seq, isGiven ? '' : emoji);
  }

  async #copy(text) {
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else copyBySelection(text);
      note('Copied.');
    } catch {
      note('The browser did not let us copy.');
    }
  }

  #ask(seq) {
    this.#dialog.dataset.peer = this.#state.openPeer;
    this.#dialog.dataset.seq = seq;
    this.#dialog.showModal();
  }

  #unsend() {
    const { peer, seq } = this.#dialog.dataset;
    this.#dialog.close();
    this.#sending.change(peer, 'unsend', Number(seq));
  }
}

/** navigator.clipboard does not exist on plain http beyond localhost. */
function copyBySelection(text) {
  const field = document.createElement('textarea');
  const focused = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  focused.focus();
}
