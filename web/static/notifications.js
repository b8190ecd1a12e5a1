// What the chat page does about notifications: a sound for what arrives while nobody looks at it, and
// those of the service worker go as soon as their conversation is read here. Another device's reading
// takes them away through the push service.

import { keepSubscription } from './push.js';
import { chime, wantsSound } from './sound.js';

export function notify(state, connection, address) {
  navigator.serviceWorker?.addEventListener('message', ({ data: { show } }) => {
    if (show) address.show(show);
  });
  state.addEventListener('thread', ({ detail: { peer, arrived } }) => {
    const isNews = arrived.some(({ from, kind }) => from === peer && kind === 'text');
    const isQuiet = state.conversation(peer).isMuted;
    if (isNews && !isQuiet && document.hidden && connection.leads && wantsSound()) chime();
  });
  state.addEventListener('list', () => closeRead(state));
  state.addEventListener('thread', ({ detail: { peer } }) => {
    if (state.conversation(peer).unread === 0) closeRead(state, peer);
  });
  keepSubscription();
}

async function closeRead(state, tag) {
  if (globalThis.Notification?.permission !== 'granted') return;
  const registration = await navigator.serviceWorker?.getRegistration();
  for (const shown of (await registration?.getNotifications({ tag })) ?? [])
    if (state.conversation(shown.tag)?.unread === 0) shown.close();
}
