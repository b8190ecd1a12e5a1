// This browser as a device of the account: asks the server for its broker credential, and makes the
// device at the first visit after a login. The login ends with it, when it is revoked.

import { addDevice, currentDevice, persistently } from './api.js';
import { forgetPage } from './seen.js';

// Mark in the user agent → name; the first that fits, since each also names those it descends from.
const BROWSERS = {
  Edg: 'Edge',
  OPR: 'Opera',
  Firefox: 'Firefox',
  Chrome: 'Chrome',
  Safari: 'Safari',
};
const SYSTEMS = {
  Android: 'Android',
  iPhone: 'iPhone',
  iPad: 'iPad',
  Windows: 'Windows',
  'Mac OS': 'macOS',
  CrOS: 'ChromeOS',
  Linux: 'Linux',
};

/** Somebody removed this browser from the account. */
export class Revoked extends Error {}

export class Device {
  #account;
  #mqtt = null;

  constructor(account) {
    this.#account = account;
  }

  /** How to connect: as the server told before, or tells now; `isAway` hears when it cannot be
      asked. Raises Revoked. */
  async credential(isAway) {
    this.#mqtt ??= await persistently(() => this.#ask(), isAway);
    return this.#mqtt;
  }

  /** The broker refused the credential: ask whether it is still ours. Raises Revoked. */
  async refused() {
    const { username } = this.#mqtt;
    this.#mqtt = null;
    this.#mqtt = await persistently(() => this.#ask());
    if (this.#mqtt.username !== username) this.#leaveToWhoIsLoggedIn();
  }

  /** Connected again: the server may have another key since, and then a new secret for us, with
      which it cuts the connection. One that is not back yet is waited for. */
  async keepUp() {
    const told = await persistently(currentDevice).catch(() => null);
    if (told && told.mqtt.username === this.#mqtt?.username) this.#mqtt = told.mqtt;
  }

  async #ask() {
    const { mqtt } = await currentDevice().catch((error) => {
      if (error.status === 404) return addDevice(browserName(), 'browser');
      if (error.status === 401) throw new Revoked(); // its session ends with the device
      throw error;
    });
    if (!mqtt.username.startsWith(`${this.#account}.`)) return this.#leaveToWhoIsLoggedIn();
    return mqtt;
  }

  /** Somebody logged in anew meanwhile, in another tab, and this page is out of date. */
  async #leaveToWhoIsLoggedIn() {
    await forgetPage();
    location.reload();
    return new Promise(() => {});
  }
}

/** What the list of devices calls this one, such as “Firefox on Linux”. */
export function browserName(userAgent = navigator.userAgent) {
  const first = (names) => Object.entries(names).find(([mark]) => userAgent.includes(mark))?.[1];
  return `${first(BROWSERS) ?? 'Browser'} on ${first(SYSTEMS) ?? 'an unknown system'}`;
}
