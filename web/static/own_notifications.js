// The settings page, notifications: whether this browser is told of messages while no page is open, and
// whether it plays a sound while one is open that nobody looks at.

import { begin, canBeTold, end, isTold } from './push.js';
import { find, orComplain, say } from './saying.js';
import { setSound, wantsSound } from './sound.js';

const told = find('told');
const sound = find('sound');

export async function showNotifications() {
  sound.checked = wantsSound();
  told.checked = await isTold().catch(() => false); // it has no device before its first visit
  told.disabled = !canBeTold();
  find('cannot-be-told').hidden = canBeTold();
}

told.addEventListener('change', async () => {
  say('notifications-said', '');
  told.disabled = true;
  const isDone = await orComplain('notifications-problem', told.checked ? begin : end);
  if (!isDone) told.checked = !told.checked;
  else say('notifications-said', told.checked ? 'This browser is told from now on.' : 'Saved.');
  told.disabled = false;
  told.focus();
});

sound.addEventListener('change', () => {
  setSound(sound.checked);
  say('notifications-said', 'Saved.');
});
