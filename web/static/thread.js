// The texts of one conversation that this tab knows: always those of one unbroken run of `seq`. What
// comes too early waits beside it until the gap is filled. What was done to texts since has a `seq`
// too, but is kept in the texts alone. Pure data; who fetches what is sync.js.

import { changedBy, isText } from './changes.js';

export class Thread {
  /** The texts of the run, ascending by seq, each as it is now. */
  messages = [];
  /** Where the run begins and ends; 0 when nothing is known. */
  firstSeq = 0;
  lastSeq = 0;
  /** Whether nothing older exists. */
  isComplete = false;
  #early = new Map();
  #ids = new Set();

  get last() {
    return this.messages.at(-1) ?? null;
  }

  /** Whether something is known to lie between the run and what came early. */
  get hasGap() {
    return this.#early.size > 0;
  }

  /** Whether the sender's own `id` is among what is known. */
  has(sender, id) {
    return this.#ids.has(`${sender} ${id}`);
  }

  /** The text of this number. */
  text(seq) {
    return this.messages.find((message) => message.seq === seq);
  }

  /** Take in rows in any order, known ones too; answers the new ones at the newer end. */
  merge(rows) {
    for (const row of rows) this.#early.set(row.seq, row);
    const newer = this.#takeNewer();
    this.#takeOlder();
    for (const seq of this.#early.keys()) {
      if (seq >= this.firstSeq && seq <= this.lastSeq) this.#early.delete(seq);
    }
    return newer;
  }

  /** Begin anew with this unbroken run, which ends at `lastSeq`; used when what lies between is too
      much to fetch. Answers what had come early and continues it. */
  restart(rows, lastSeq = rows.at(-1)?.seq ?? 0) {
    const early = [...this.#early.values()];
    this.messages = [];
    this.firstSeq = rows[0]?.seq ?? 0;
    this.lastSeq = lastSeq;
    this.isComplete = false;
    this.#early.clear();
    this.#ids.clear();
    this.#append(rows);
    return this.merge(early.filter((row) => row.seq > this.lastSeq));
  }

  /** Something was done to a text, of which this thread may know. */
  change(change) {
    const index = this.messages.findLastIndex(({ seq }) => seq === change.target);
    if (index >= 0) this.messages[index] = changedBy(this.messages[index], change);
  }

  /** Take in an older run, which reaches this one. */
  join(older) {
    const before = older.messages.filter(({ seq }) => seq < this.firstSeq);
    this.messages.unshift(...before);
    this.firstSeq = Math.min(this.firstSeq, older.firstSeq);
    this.isComplete ||= older.isComplete;
    this.#note(before);
  }

  /** Hold so many texts fewer at the older end. */
  dropOldest(count) {
    this.#forget(this.messages.splice(0, count));
    this.firstSeq = this.messages[0]?.seq ?? this.lastSeq;
    this.isComplete = false;
  }

  /** Hold so many texts fewer at the newer end. */
  dropNewest(count) {
    this.#forget(this.messages.splice(this.messages.length - count));
    this.lastSeq = this.last?.seq ?? this.firstSeq;
  }

  #takeNewer() {
    const newer = [];
    for (let seq = this.lastSeq + 1; this.#early.has(seq); seq += 1)
      newer.push(this.#early.get(seq));
    if (newer.length > 0) this.firstSeq ||= newer[0].seq;
    this.lastSeq = newer.at(-1)?.seq ?? this.lastSeq;
    this.#append(newer);
    return newer;
  }

  #takeOlder() {
    const older = [];
    for (let seq = this.firstSeq - 1; this.#early.has(seq); seq -= 1)
      older.unshift(this.#early.get(seq));
    this.firstSeq = older[0]?.seq ?? this.firstSeq;
    this.messages.unshift(...older.filter(isText));
    this.#note(older);
  }

  #append(rows) {
    this.messages.push(...rows.filter(isText));
    this.#note(rows);
  }

  #forget(messages) {
    for (const message of messages) this.#ids.delete(`${message.from} ${message.id}`);
  }

  #note(rows) {
    for (const row of rows) {
      this.#early.delete(row.seq);
      this.#ids.add(`${row.from} ${row.id}`);
    }
    if (this.firstSeq === 1) this.isComplete = true;
  }
}
