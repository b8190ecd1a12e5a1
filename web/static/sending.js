// What happens to a written message, or to a change of one, until it is archived: kept in the outbox
// first, then sent by the leading tab, one at a time in each conversation, and sent again until it
// comes back with its seq.
// A lost network is no failure; only the bridge's refusal is, and then the writer decides.

import { Backoff } from './backoff.js';
import { randomId } from './ids.js';

const FIRST_ANSWER_MILLISECONDS = 5_000;
const RATE_LIMITED_MILLISECONDS = 1_500;

export class Sending {
  #outbox;
  #state;
  #connection;
  #messages = [];
  #gone = new Set();
  #onTheWay = new Map(); // peer → { id, timer, patience, pause }

  constructor(outbox, state, connection) {
    this.#outbox = outbox;
    this.#state = state;
    this.#connection = connection;
    state.addEventListener('settled', ({ detail }) => this.#forget(detail.ids));
    connection.addEventListener('outbox', () => this.reload());
    connection.addEventListener('status', () => this.#startOver());
    state.addEventListener('thread', ({ detail }) => this.#giveUpVain(detail.peer));
    connection.addEventListener('news', ({ detail }) => {
      if (detail.kind === 'error') this.#refused(detail.payload);
    });
  }

  /** Look at what lies in the outbox, and send it. */
  async reload() {
    const kept = await this.#outbox.all();
    this.#messages = kept.filter(({ id }) => !this.#gone.has(id));
    this.#changed();
  }

  /** Send a text: it is on disk when this resolves, and then cannot get lost. `replyTo` is the
      number of the text that it answers, if any. */
  write(peer, text, replyTo) {
    return this.#add({ peer, verb: 'send', text, replyTo });
  }

  /** `edit` the text with the number `target` to a new one, `unsend` it, or `react` to it with an
      emoji (with none: not any more); kept and sent as a text is. */
  change(peer, verb, target, text = '') {
    return this.#add({ peer, verb, target, text });
  }

  async #add(content) {
    const entry = { id: randomId(), ...content, writtenAt: new Date().toISOString() };
    const kept = await this.#outbox.add(entry);
    this.#messages.push(kept);
    this.#changed();
    this.#connection.tellOutboxChanged();
  }

  /** Send a refused message once more. */
  retry(id) {
    return this.#keep(id, undefined);
  }

  /** Give a refused message up. */
  async discard(id) {
    await this.#forget([id]);
    this.#connection.tellOutboxChanged();
  }

  async #keep(id, problem) {
    const message = this.#messages.find((each) => each.id === id);
    message.problem = problem;
    this.#changed();
    await this.#outbox.change(message);
    this.#connection.tellOutboxChanged();
  }

  async #forget(ids) {
    const known = ids.filter((id) => this.#messages.some((message) => message.id === id));
    ids.forEach((id) => this.#gone.add(id));
    if (known.length === 0) return;
    this.#messages = this.#messages.filter(({ id }) => !this.#gone.has(id));
    this.#changed();
    await this.#outbox.remove(known);
  }

  #changed() {
    this.#state.setOutgoing(this.#messages);
    this.#send();
  }

  /** A new connection: what was on the way may be lost, so each first one goes again. */
  #startOver() {
    for (const { timer } of this.#onTheWay.values()) clearTimeout(timer);
    this.#onTheWay.clear();
    this.#send();
  }

  #send() {
    if (!this.#connection.leads || this.#connection.status !== 'online') return;
    const waiting = this.#messages.filter(({ problem }) => !problem);
    for (const peer of new Set(waiting.map((message) => message.peer))) {
      const first = waiting.find((message) => message.peer === peer);
      if (this.#onTheWay.get(peer)?.id !== first.id) this.#sendFirst(first);
    }
  }

  #sendFirst(message) {
    clearTimeout(this.#onTheWay.get(message.peer)?.timer);
    this.#onTheWay.set(message.peer, {
      id: message.id,
      patience: new Backoff({ first: FIRST_ANSWER_MILLISECONDS }),
      pause: new Backoff({ first: RATE_LIMITED_MILLISECONDS }),
    });
    this.#publish(message);
  }

  #publish(entry) {
    const { id, peer, verb = 'send' } = entry;
    this.#connection.publish(verb, peer, payloadOf(verb, entry));
    this.#publishAgainAfter(this.#onTheWay.get(peer).patience.next(), peer, id);
  }

  #publishAgainAfter(milliseconds, peer, id) {
    const onTheWay = this.#onTheWay.get(peer);
    clearTimeout(onTheWay.timer);
    onTheWay.timer = setTimeout(() => {
      const message = this.#messages.find((each) => each.id === id);
      if (message && this.#onTheWay.get(peer) === onTheWay) this.#publish(message);
    }, milliseconds);
  }

  #refused({ id, to: peer, reason, detail }) {
    if (!this.#messages.some((message) => message.id === id)) return;
    if (reason === 'rate-limited') this.#slowDown(id, peer);
    else if (this.#connection.leads) this.#keep(id, { reason, detail });
  }

  /** What was refused because its text had been unsent needs nobody's decision. */
  #giveUpVain(peer) {
    const isGone = (seq) => this.#state.conversation(peer)?.text(seq)?.unsent_at;
    const isVain = (entry) => entry.peer === peer && entry.problem && entry.target;
    const vain = this.#messages.filter((entry) => isVain(entry) && isGone(entry.target));
    if (vain.length > 0) this.#forget(vain.map(({ id }) => id));
  }

  #slowDown(id, peer) {
    const onTheWay = this.#onTheWay.get(peer);
    if (onTheWay?.id === id) this.#publishAgainAfter(onTheWay.pause.next(), peer, id);
  }
}

/** What goes up for each verb, by the public contract. */
function payloadOf(verb, { id, text, target, replyTo, writtenAt }) {
  const common = { id, sent_at: writtenAt };
  if (verb === 'send') return { ...common, text, reply_to: replyTo };
  if (verb === 'edit') return { ...common, seq: target, text };
  if (verb === 'react') return { ...common, seq: target, reaction: text };
  return { ...common, seq: target };
}
