// This browser's subscription at its push service: what lets it be told of messages while no page is
// open. The server knows it by the browser's device; without a service worker there is none.

import { pushSubscription, subscribeToPush, unsubscribeFromPush } from './api.js';

/** Whether the browser can be told at all; it cannot on plain http beyond localhost. */
export const canBeTold = () =>
  Boolean(navigator.serviceWorker && globalThis.PushManager && globalThis.Notification);

/** Whether it is told now. */
export async function isTold() {
  if (!canBeTold() || Notification.permission !== 'granted') return false;
  const [own, { subscribed }] = await Promise.all([ownSubscription(), pushSubscription()]);
  return Boolean(own) && subscribed;
}

/** Have it told from now on. Raises with a sentence when the browser, or its reader, does not want. */
export async function begin() {
  if ((await Notification.requestPermission()) !== 'granted')
    throw new Error('This browser does not let us show notifications; its settings for this site say so.');
  const { application_server_key: key } = await pushSubscription();
  try {
    await tellServer(await subscriptionFor(key));
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
    throw new Error('This browser cannot reach its push service just now.', { cause: error });
  }
}

export async function end() {
  await unsubscribeFromPush();
  await (await ownSubscription())?.unsubscribe();
}

/** Browsers renew their subscriptions, and servers their key; and another account may have been
    logged in here before. */
export async function keepSubscription() {
  if (!canBeTold() || Notification.permission !== 'granted') return;
  const own = await ownSubscription().catch(() => null);
  if (!own) return;
  const { subscribed, application_server_key: key } = await pushSubscription();
  if (!subscribed) await own.unsubscribe(); // it is that of whoever was logged in here before
  else if (keyOf(own) === key) await tellServer(own);
  // Where the push service is away just now, the switch in the settings is off, and says so.
  else await subscriptionFor(key).then(tellServer, () => {});
}

/** A subscription holds for one key of a server, and a browser has one. */
async function subscriptionFor(key) {
  const { pushManager } = await navigator.serviceWorker.ready;
  const old = await pushManager.getSubscription();
  if (old && keyOf(old) !== key) await old.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

const ownSubscription = async () =>
  (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription();

function tellServer(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  return subscribeToPush({ endpoint, ...keys });
}

function keyOf(subscription) {
  const bytes = new Uint8Array(subscription.options.applicationServerKey);
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
