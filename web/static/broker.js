// The MQTT session of this browser: connects, subscribes, says that it is online, and comes back by
// itself. Sends events: `status` (connecting, online, offline), `news` (what came down), `revoked`,
// and `taken-over` (another program uses the same credential). Run by the leading tab alone.

import { Backoff, pauseUnlessWoken, untilItWorks } from './backoff.js';
import { Revoked } from './device.js';
import { randomId } from './ids.js';
import { backgroundTimers } from './timers.js';
import { kindOf, presence, up } from './topics.js';

const KEEPALIVE_SECONDS = 30;
const PRESENCE_MILLISECONDS = 60_000;
const CONNECT_MILLISECONDS = 10_000;
// Reason codes of MQTT 5.0, section 2.4.
const BAD_USER_NAME_OR_PASSWORD = 0x86;
const NOT_AUTHORIZED = 0x87;
const SESSION_TAKEN_OVER = 0x8e;
const ADMINISTRATIVE_ACTION = 0x98; // mosquitto's word to a client that was deleted
const DISCONNECT_WITH_WILL = 0x04;
const REFUSALS = new Set([BAD_USER_NAME_OR_PASSWORD, NOT_AUTHORIZED, ADMINISTRATIVE_ACTION]);

export class Broker extends EventTarget {
  #device;
  #client = null;
  #sendTopic = '';
  #isOnline = false;
  #wasOnline = false;
  #stopped = false;
  #backoff = new Backoff();

  constructor(device) {
    super();
    this.#device = device;
  }

  /** Keep a connection from now on. Ends when stopped, revoked or taken over. */
  async start() {
    this.#tell('status', { status: 'connecting' });
    const mqtt = await this.#mqttLibrary();
    while (!this.#stopped) {
      try {
        await this.#session(mqtt, await this.#device.credential(() => this.#isAway()));
      } catch (error) {
        if (error instanceof Revoked) return this.#tell('revoked');
        throw error;
      }
      if (this.#stopped) return;
      await pauseUnlessWoken(this.#backoff.next());
    }
  }

  /** Leave, and let the broker tell the others by the Last Will. */
  stop() {
    this.#stopped = true;
    this.#isOnline = false;
    this.#client?.end(false, { reasonCode: DISCONNECT_WITH_WILL });
  }

  /** Publish if online; whoever needs certainty waits for the answer that comes down. */
  publish(verb, to, payload, qos) {
    if (!this.#isOnline) return;
    this.#client.publish(up(this.#sendTopic, to, verb), payload, { qos }, () => {});
  }

  /** By far the largest file, so messages are shown before it has come. */
  async #mqttLibrary() {
    const bring = () => import('./vendor/mqtt.js');
    const { default: mqtt } = await untilItWorks(bring, () => {
      this.#isAway();
      return true;
    });
    return mqtt;
  }

  #isAway() {
    this.#tell('status', { status: 'offline' });
  }

  /** One connection from its beginning to its end. */
  async #session(mqtt, credential) {
    if (this.#stopped) return;
    this.#sendTopic = credential.send_topic;
    // Begins with the device id, so that it ends with the device.
    const connection = `${credential.username.split('.')[1]}-${randomId()}`;
    const client = mqtt.connect(credential.websocket_url, options(credential, connection));
    this.#client = client;
    const leaveLostNetwork = () => client.end(true); // a dead socket may look alive for a minute
    window.addEventListener('offline', leaveLostNetwork);
    client.on('message', (topic, payload) => this.#news(topic, payload));
    client.on('connect', () => this.#subscribe(credential, connection));
    const reasonCode = await endOf(client);
    window.removeEventListener('offline', leaveLostNetwork);
    this.#isOnline = false;
    client.end(true);
    await this.#ended(reasonCode);
  }

  #subscribe({ receive_filter: filter }, connection) {
    const client = this.#client;
    client.subscribe(filter, { qos: 1 }, (refused) => {
      if (refused) return client.end(true);
      this.#isOnline = true;
      this.#backoff.reset();
      this.#stayPresent(client, connection);
      this.#tell('status', { status: 'online', connection });
      if (this.#wasOnline) this.#device.keepUp();
      this.#wasOnline = true;
    });
  }

  /** Said again and again: a broker that was restarted has forgotten who was online. */
  #stayPresent(client, connection) {
    const topic = presence(this.#sendTopic);
    const say = () => client.publish(topic, announcement(true, connection), { qos: 1 }, () => {});
    say();
    const repeated = setInterval(say, PRESENCE_MILLISECONDS);
    client.once('close', () => clearInterval(repeated));
  }

  #news(topic, payload) {
    const content = JSON.parse(new TextDecoder().decode(payload));
    this.#tell('news', { kind: kindOf(topic), payload: content });
  }

  async #ended(reasonCode) {
    if (this.#stopped) return;
    if (reasonCode === SESSION_TAKEN_OVER) {
      this.#stopped = true;
      return this.#tell('taken-over');
    }
    this.#isAway();
    if (REFUSALS.has(reasonCode)) await this.#device.refused();
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function options(credential, connection) {
  return {
    protocolVersion: 5,
    username: credential.username,
    password: credential.password,
    clientId: credential.client_id,
    clean: true,
    properties: { sessionExpiryInterval: 0 },
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_MILLISECONDS,
    reconnectPeriod: 0, // each connection has a name and a will of its own
    timerVariant: backgroundTimers,
    will: {
      topic: presence(credential.send_topic),
      payload: announcement(false, connection),
      qos: 1,
      retain: false,
    },
  };
}

const announcement = (online, connection) => JSON.stringify({ online, connection });

/** Resolves when the connection has ended, with MQTT's reason code where the broker gave one. */
function endOf(client) {
  return new Promise((resolve) => {
    client.on('error', (error) => resolve(error.code));
    client.on('disconnect', (packet) => resolve(packet.reasonCode));
    client.on('close', () => resolve());
  });
}
