// The settings page, notifications: whether this browser is told of messages while no page is open, and
// whether it plays a sound while one is open that nobody looks at.

import { begin, canBeTold, end, isTold } from './push.js';
import { find, orComplain, say } from './saying.js';
import { setSound, wantsSound } from './sound.js';

const told = find('told');
const sound = find('sound');
let wasChanged = false;

export async function showNotifications() {
  sound.checked = wantsSound();
  const wasTold = await isTold().catch(() => false); // it has no device before its first visit
  if (!wasChanged) {
    told.checked = wasTold;
    told.disabled = !canBeTold();
  }
  find('cannot-be-told').hidden = canBeTold();
}

told.addEventListener('change', async () => {
  const wanted = told.checked;
  wasChanged = true;
  say('notifications-said', '');
  told.disabled = true;
  const isDone = await orComplain('notifications-problem', wanted ? begin : end);
  if (!isDone) told.checked = !wanted;
  else say('notifications-said', wanted ? 'This browser is told from now on.' : 'Saved.');
  told.disabled = false;
  told.focus();
});

sound.addEventListener('change', () => {
  setSound(sound.checked);
  say('notifications-said', 'Saved.');
});
