// The outbox on disk (IndexedDB, one database per account): what was written or changed and is not
// archived yet, in the order of writing, shared by all tabs. sending.js decides what is done with it.

import { answered, changed, opened } from './indexeddb.js';

const STORE = 'messages';

/** Opens the account's outbox; one that lives in memory where the browser refuses to keep one. */
export async function openOutbox(account) {
  try {
    return new Outbox(await opened(`katydid ${account}`, makeStore));
  } catch {
    return new ForgetfulOutbox();
  }
}

class Outbox {
  #database;

  constructor(database) {
    this.#database = database;
  }

  /** All messages in the order of writing. */
  all() {
    return answered(this.#database.transaction(STORE).objectStore(STORE).getAll());
  }

  /** Keep a new message; on disk when it resolves, and with its place (`order`) among the others. */
  async add(message) {
    let added;
    await this.#change((store) => (added = store.add(message)));
    return { ...message, order: added.result };
  }

  /** Keep what has changed in a message that `add` or `all` answered. */
  change(message) {
    return this.#change((store) => store.put(message));
  }

  /** Forget these messages; unknown ids are fine. */
  remove(ids) {
    return this.#change((store) => {
      for (const id of ids) {
        const found = store.index('id').getKey(id);
        const forget = () => found.result !== undefined && store.delete(found.result);
        found.addEventListener('success', forget);
      }
    });
  }

  #change(work) {
    return changed(this.#database, STORE, work);
  }
}

class ForgetfulOutbox {
  #messages = new Map();
  #order = 0;

  async all() {
    return [...this.#messages.values()];
  }

  async add(message) {
    this.#order += 1;
    const kept = { ...message, order: this.#order };
    this.#messages.set(kept.id, kept);
    return kept;
  }

  async change(message) {
    this.#messages.set(message.id, message);
  }

  async remove(ids) {
    ids.forEach((id) => this.#messages.delete(id));
  }
}

function makeStore(database) {
  const settings = { keyPath: 'order', autoIncrement: true };
  database.createObjectStore(STORE, settings).createIndex('id', 'id', { unique: true });
}
