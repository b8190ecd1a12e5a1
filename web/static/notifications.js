// What the chat page does about notifications: a sound for what arrives while nobody looks at it, and
// those of the service worker go as soon as their conversation is read here. Another device's reading
// takes them away through the push service.

import { keepSubscription } from './push.js';
import { chime, wantsSound } from './sound.js';

// What is shown is asked for once in a while: a page that scrolls through history has much to tell.
const COLLECT_MILLISECONDS = 300;

export function notify(state, connection, address) {
  navigator.serviceWorker?.addEventListener('message', ({ data: { show } }) => {
    if (show) address.show(show);
  });
  state.addEventListener('thread', ({ detail: { peer, arrived } }) => {
    const isNews = arrived.some(({ from, kind }) => from === peer && kind === 'text');
    const isQuiet = state.conversation(peer).isMuted;
    if (isNews && !isQuiet && document.hidden && connection.leads && wantsSound()) chime();
  });
  let timer = 0;
  const closeSoon = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      closeRead(state);
    }, COLLECT_MILLISECONDS);
  };
  for (const event of ['list', 'thread']) state.addEventListener(event, closeSoon);
  keepSubscription();
}

async function closeRead(state) {
  if (globalThis.Notification?.permission !== 'granted') return;
  const registration = await navigator.serviceWorker?.getRegistration();
  for (const shown of (await registration?.getNotifications()) ?? [])
    if (state.conversation(shown.tag)?.unread === 0) shown.close();
}
