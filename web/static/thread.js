// The messages of one conversation that this tab knows: always one unbroken run of `seq`. What comes
// too early waits beside it until the gap is filled. Pure data; who fetches what is sync.js.

export class Thread {
  /** Ascending by seq, without a gap. */
  messages = [];
  /** Whether nothing older exists. */
  isComplete = false;
  #early = new Map();
  #ids = new Set();

  get firstSeq() {
    return this.messages[0]?.seq ?? 0;
  }

  get lastSeq() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  /** Whether something is known to lie between the run and what came early. */
  get hasGap() {
    return this.#early.size > 0;
  }

  /** Whether the sender's own `id` is among the messages. */
  has(sender, id) {
    return this.#ids.has(`${sender} ${id}`);
  }

  /** Take in messages in any order, known ones too; answers the new ones at the newer end. */
  merge(messages) {
    for (const message of messages) this.#early.set(message.seq, message);
    const newer = this.#takeNewer();
    this.#takeOlder();
    for (const seq of this.#early.keys()) {
      if (seq >= this.firstSeq && seq <= this.lastSeq) this.#early.delete(seq);
    }
    return newer;
  }

  /** Begin anew with this unbroken run; used when what lies between is too much to fetch. */
  restart(messages) {
    this.messages = [];
    this.#ids.clear();
    this.isComplete = false;
    const early = [...this.#early.values()];
    this.#early.clear();
    this.#append(messages);
    this.merge(early.filter((message) => message.seq > this.lastSeq));
  }

  /** Hold so many fewer at the older end. */
  dropOldest(count) {
    this.#forget(this.messages.splice(0, count));
    this.isComplete = false;
  }

  /** Hold so many fewer at the newer end. */
  dropNewest(count) {
    this.#forget(this.messages.splice(this.messages.length - count));
  }

  #takeNewer() {
    const newer = [];
    for (let seq = this.lastSeq + 1; this.#early.has(seq); seq += 1)
      newer.push(this.#early.get(seq));
    this.#append(newer);
    return newer;
  }

  #takeOlder() {
    const older = [];
    for (let seq = this.firstSeq - 1; this.#early.has(seq); seq -= 1)
      older.unshift(this.#early.get(seq));
    this.messages.unshift(...older);
    this.#note(older);
    if (this.firstSeq === 1) this.isComplete = true;
  }

  #append(messages) {
    this.messages.push(...messages);
    this.#note(messages);
    if (this.firstSeq === 1) this.isComplete = true;
  }

  #forget(messages) {
    for (const message of messages) this.#ids.delete(`${message.from} ${message.id}`);
  }

  #note(messages) {
    for (const message of messages) {
      this.#early.delete(message.seq);
      this.#ids.add(`${message.from} ${message.id}`);
    }
  }
}
