// The account's one connection, as every tab sees it: the leading tab has the MQTT session, the
// others use it through the channel between the tabs. Sends events: `status`, `news`, `revoked`.
// `status` is connecting, online, offline or elsewhere (a newer tab, or another program, has it).

import { Broker } from './broker.js';
import { Tabs } from './tabs.js';

// A tab that loses the lead learns so within this time of its connection being taken over.
const STOLEN_MILLISECONDS = 500;

export class Connection extends EventTarget {
  status = 'connecting';
  #name = ''; // of the MQTT connection: a new one means that something may have been missed
  #device;
  #tabs;
  #broker = null;
  #stoodAside = false;

  constructor(account, device) {
    super();
    this.#device = device;
    this.#tabs = new Tabs(account);
    this.#tabs.addEventListener('lead', () => this.#lead());
    this.#tabs.addEventListener('follow', () => this.#follow());
    this.#tabs.addEventListener('displaced', () => this.#stepAside());
    this.#tabs.addEventListener('told', ({ detail }) => this.#stoodAside || this.#told(detail));
  }

  /** Whether this tab has the MQTT session, and so does what must be done once only. */
  get leads() {
    return this.#tabs.leads;
  }

  start() {
    this.#tabs.join();
    this.#tabs.tell({ type: 'status?' });
  }

  /** Get the connection back from wherever it went. */
  useHere() {
    if (this.leads) this.#lead();
    else if (this.#tabs.areElected) this.#tabs.tell({ type: 'use again' });
    else this.#tabs.takeOver();
  }

  /** Publish, as far as the connection stands; an object goes as JSON. */
  publish(verb, to, content = '', { qos = 1 } = {}) {
    const payload = typeof content === 'string' ? content : JSON.stringify(content);
    if (this.#broker) this.#broker.publish(verb, to, payload, qos);
    else this.#tabs.tell({ type: 'publish', arguments: [verb, to, payload, qos] });
  }

  /** Have the other tabs look into the outbox. */
  tellOutboxChanged() {
    this.#tabs.tell({ type: 'outbox' });
  }

  #lead() {
    this.#stoodAside = false;
    const broker = new Broker(this.#device);
    broker.addEventListener('status', ({ detail }) => this.#share({ type: 'status', ...detail }));
    broker.addEventListener('news', ({ detail }) => this.#share({ type: 'news', ...detail }));
    broker.addEventListener('revoked', () => this.#share({ type: 'revoked' }));
    broker.addEventListener('taken-over', () => this.#takenOver());
    this.#broker = broker;
    broker.start();
  }

  #follow() {
    this.#dropBroker();
    this.#tabs.tell({ type: 'status?' });
  }

  /** Not to follow the newer tab: with no election, nobody would tell when that one is closed. */
  #stepAside() {
    this.#stoodAside = true;
    this.#dropBroker();
    this.#changeStatus('elsewhere');
  }

  #dropBroker() {
    this.#broker?.stop();
    this.#broker = null;
  }

  /** Either a tab of this browser took the lead, or the credential is used somewhere else. */
  #takenOver() {
    setTimeout(() => {
      if (this.leads) this.#share({ type: 'status', status: 'elsewhere' });
    }, STOLEN_MILLISECONDS);
  }

  #share(event) {
    this.#tabs.tell(event);
    this.#told(event);
  }

  #told(event) {
    if (event.type === 'publish') this.#broker?.publish(...event.arguments);
    if (event.type === 'status?' && this.leads) this.#tellStatus();
    if (event.type === 'use again' && this.leads) this.#lead();
    if (event.type === 'status') this.#changeStatus(event.status, event.connection);
    if (event.type === 'news') this.#dispatch('news', event);
    if (event.type === 'outbox' || event.type === 'revoked') this.#dispatch(event.type);
  }

  #tellStatus() {
    this.#tabs.tell({ type: 'status', status: this.status, connection: this.#name });
  }

  #changeStatus(status, connection = '') {
    if (status === this.status && connection === this.#name) return;
    this.status = status;
    this.#name = connection;
    this.#dispatch('status', { status });
  }

  #dispatch(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
