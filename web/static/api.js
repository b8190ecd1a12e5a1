// The HTTP interface below /api/v1, as functions: one call each, answers as they come, errors as
// Problem (the server said no) or Unreachable (nobody answered). Knows nothing of the page.

import { untilItWorks } from './backoff.js';

const PATIENCE_MILLISECONDS = 15_000;
const TEMPORARY = new Set([429, 500, 502, 503, 504]);

/** The server's refusal, from its application/problem+json. */
export class Problem extends Error {
  constructor(status, { title = '', detail = '' }) {
    super(detail || title || `The server answered ${status}.`);
    this.status = status;
  }
}

/** No answer came: the network or the server is away. */
export class Unreachable extends Error {
  constructor(cause) {
    super('The server cannot be reached.', { cause });
  }
}

export const conversations = () => call('GET', '/conversations');

/** A page of history: the newest messages, those below `before`, or those above `after`. */
export function messages(peer, { before, after, limit }) {
  const cursors = Object.entries({ before, after, limit }).filter(
    ([, value]) => value !== undefined,
  );
  const query = new URLSearchParams(cursors);
  return call('GET', `/conversations/${encodeURIComponent(peer)}/messages?${query}`);
}

/** Muted, archived, pinned: what is given is changed; answers the conversation as the list has it. */
export const prefer = (peer, preferences) =>
  call('PATCH', `/conversations/${encodeURIComponent(peer)}`, { body: preferences });

/** Texts with all the words of `q`, the newest first; what else is asked for may be left empty. */
export const accept = (peer) =>
  call('POST', `/conversations/${encodeURIComponent(peer)}/accept`, { body: {} });

export function search(asked) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  return call('GET', `/search?${query}`);
}

export const account = (name) => call('GET', `/accounts/${encodeURIComponent(name)}`);

/** Change what the account says of itself: `display_name`, `hides_presence`, `hides_read`. */
export const changeAccount = (changes) => call('PATCH', '/accounts/me', { body: changes });

/** With a `code` where there is a second factor. */
export const changePassword = (password, newPassword, code) =>
  call('PUT', '/accounts/me/password', { body: { password, new_password: newPassword, code } });

/** Whether a code is asked for beside the password: `on`, `recovery_codes_left`. */
export const secondFactor = () => call('GET', '/second-factor');

/** A secret for an authenticator app; nothing is asked for until a code has confirmed it. */
export const beginSecondFactor = (password) =>
  call('POST', '/second-factor', { body: { password } });

/** Turn it on; the answer has the recovery codes, this once. */
export const confirmSecondFactor = (code) => call('PUT', '/second-factor', { body: { code } });

export const renewRecoveryCodes = (password, code) =>
  call('POST', '/second-factor/recovery-codes', { body: { password, code } });

export const endSecondFactor = (password, code) =>
  call('DELETE', '/second-factor', { body: { password, code } });

export const logins = () => call('GET', '/logins');

export const endLogin = (login) => call('DELETE', `/logins/${encodeURIComponent(login)}`);

/** Log out everywhere, but here. */
export const endOtherLogins = () => call('DELETE', '/logins', { patience: 60_000 });

/** Delete the account, and `messages`: 'erase' or 'keep', with a `code` where there is a second
    factor. What is erased takes its time. */
export const deleteAccount = (password, messages, code) =>
  call('DELETE', '/accounts/me', { body: { password, messages, code }, patience: 60_000 });

export const blocks = () => call('GET', '/blocks');

export const block = (name) => call('PUT', `/blocks/${encodeURIComponent(name)}`);

export const unblock = (name) => call('DELETE', `/blocks/${encodeURIComponent(name)}`);

export const report = (account, reason, messages) =>
  call('POST', '/reports', { body: { account, reason, messages } });

export const invitations = () => call('GET', '/invitations');

export const invite = () => call('POST', '/invitations', { body: {} });

export const things = () => call('GET', '/things');

/** Make a thing; the answer has its credential, this once. */
export const addThing = (account, displayName) =>
  call('POST', '/things', { body: { account, display_name: displayName } });

export const renewThing = (name) => call('POST', `/things/${encodeURIComponent(name)}/credential`);

/** Delete the thing, and `messages`: 'erase' or 'keep'. What is erased takes its time. */
export const deleteThing = (name, messages) =>
  call('DELETE', `/things/${encodeURIComponent(name)}?messages=${messages}`, { patience: 60_000 });

export const allow = (thing, name) => call('PUT', allowedPath(thing, name));

export const disallow = (thing, name) => call('DELETE', allowedPath(thing, name));

const allowedPath = (thing, name) =>
  `/things/${encodeURIComponent(thing)}/allowed/${encodeURIComponent(name)}`;

export const devices = () => call('GET', '/devices');

/** The device of this browser's login. A 401 is the caller's to handle: it means there is none. */
export const currentDevice = () => call('GET', '/devices/current', { leaveAt401: false });

/** The credential of a device of the account, shown again. */
export const credential = (device) =>
  call('GET', `/devices/${encodeURIComponent(device)}/credential`);

export const addDevice = (name, kind) => call('POST', '/devices', { body: { name, kind } });

export const removeDevice = (device) => call('DELETE', `/devices/${encodeURIComponent(device)}`);

/** Whether this browser is told by its push service, and the key to subscribe with there. */
export const pushSubscription = () => call('GET', '/devices/current/push');

export const subscribeToPush = (subscription) =>
  call('PUT', '/devices/current/push', { body: subscription });

export const unsubscribeFromPush = () => call('DELETE', '/devices/current/push');
/** Revoke all devices but this browser's own. */
export const removeOtherDevices = () => call('DELETE', '/devices', { patience: 60_000 });

/** The same call again and again until the server is there to answer it; `isAway` hears if not. */
export function persistently(call, isAway = () => {}) {
  return untilItWorks(call, (error) => {
    const isTemporary = error instanceof Unreachable || TEMPORARY.has(error.status);
    if (isTemporary) isAway();
    return isTemporary;
  });
}

async function call(method, path, { body, leaveAt401 = true, patience } = {}) {
  const response = await request(method, path, body, patience);
  if (response.status === 401 && leaveAt401) return leaveForLogin();
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  if (response.status === 204) return null;
  return response.json().catch((cause) => {
    throw new Unreachable(cause);
  });
}

async function request(method, path, body, patience = PATIENCE_MILLISECONDS) {
  const headers = { Accept: 'application/json, application/problem+json' };
  if (method !== 'GET') {
    headers['X-CSRFToken'] = document.querySelector('meta[name="csrf-token"]').content;
    headers['Content-Type'] = 'application/json';
  }
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    });
  } catch (cause) {
    throw new Unreachable(cause);
  }
}

/** Never answers: the page is on its way out, and its callers need not know. */
function leaveForLogin() {
  location.assign('/login');
  return new Promise(() => {});
}
