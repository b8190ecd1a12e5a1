// Searching what was said: the field above the list, what narrows it down, and the results in the
// list's place. A result leads to its message.

import { search } from './api.js';
import { shortTime } from './days.js';
import { made, paintAvatar, part, write } from './templates.js';

const PAUSE_MILLISECONDS = 250;

export class Search {
  #state;
  #show;
  #form = document.querySelector('[data-search]');
  #filters = document.querySelector('[data-search-filters]');
  #results = document.querySelector('[data-results]');
  #status = document.querySelector('[data-results-status]');
  #list = document.querySelector('[data-result-list]');
  #more = document.querySelector('[data-results-more]');
  #lists = document.querySelector('[data-lists]');
  #timer = 0;
  #asked = 0; // a late answer to an earlier question is not shown
  #cursor = null;

  /** `show` is called with the peer and the number of the message that was chosen. */
  constructor(state, show) {
    this.#state = state;
    this.#show = show;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.#form.addEventListener('input', () => this.#beginSoon());
    this.#form.addEventListener('keydown', ({ key }) => key === 'Escape' && this.#end());
    this.#form.querySelector('[data-search-end]').addEventListener('click', () => this.#end());
    this.#more.addEventListener('click', () => this.#ask(this.#cursor));
    this.#list.addEventListener('click', (event) => this.#chosen(event));
  }

  get #words() {
    return this.#form.elements.words.value.trim();
  }

  #beginSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), PAUSE_MILLISECONDS);
  }

  #begin() {
    clearTimeout(this.#timer);
    const isOn = this.#words !== '';
    if (isOn && this.#filters.hidden) this.#offerPeers();
    this.#filters.hidden = this.#results.hidden = !isOn;
    this.#lists.hidden = isOn;
    if (isOn) this.#ask(null);
    else this.#asked += 1;
  }

  #end() {
    this.#form.reset();
    this.#begin();
    this.#form.elements.words.focus();
  }

  /** In which conversation: all that there are. */
  #offerPeers() {
    const options = this.#state.newestFirst.map(({ peer, displayName }) => new Option(displayName, peer));
    this.#form.elements.peer.replaceChildren(new Option('All conversations', ''), ...options);
  }

  async #ask(cursor) {
    const asked = (this.#asked += 1);
    const { peer, from, to } = this.#form.elements;
    const question = {
      q: this.#words,
      peer: peer.value,
      after: beginOf(from.value, 0),
      before: beginOf(to.value, 1),
      cursor,
    };
    const answer = await search(question).catch((error) => error);
    if (asked !== this.#asked) return;
    if (!cursor) this.#list.replaceChildren();
    this.#more.hidden = true;
    if (answer instanceof Error) this.#say(answer.message);
    else this.#take(answer);
  }

  #take({ messages, more, cursor, complete }) {
    const first = this.#list.children.length;
    this.#list.append(...messages.map((message) => this.#line(message)));
    this.#cursor = cursor;
    this.#more.hidden = !more;
    const count = this.#list.children.length;
    const found = count === 1 ? '1 message' : `${count}${more ? ' or more' : ''} messages`;
    const without = complete ? '' : ' Such short words are looked for in the newest messages only.';
    this.#say(`${count === 0 ? 'Nothing was found.' : `${found}.`}${without}`);
    if (first > 0) part(this.#list.children[first] ?? this.#list, 'link')?.focus();
  }

  #line({ from, to, seq, snippet, stored_at: time }) {
    const isOwn = from === this.#state.account;
    const peer = isOwn ? to : from;
    const displayName = this.#state.conversation(peer)?.displayName ?? peer;
    const line = made('result');
    const link = part(line, 'link');
    link.href = `#${peer}/${seq}`;
    Object.assign(link.dataset, { peer, seq });
    paintAvatar(part(line, 'avatar'), peer, displayName);
    write(line, 'name', displayName);
    write(line, 'time', shortTime(time));
    part(line, 'snippet').append(isOwn ? 'You: ' : '', ...snippet.map(pieceOf));
    return line;
  }

  #chosen(event) {
    const link = event.target.closest('a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#show(link.dataset.peer, Number(link.dataset.seq));
  }

  #say(words) {
    if (this.#status.textContent !== words) this.#status.textContent = words;
  }
}

/** What was looked for is marked; text stays text. */
function pieceOf({ text, match }) {
  if (!match) return text;
  const mark = document.createElement('mark');
  mark.textContent = text;
  return mark;
}

/** When a day begins where the reader is, so many days later; nothing for no day. */
function beginOf(day, later) {
  if (!day) return '';
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
