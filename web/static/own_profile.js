// The settings page, account and privacy: the display name, and what others may see. A switch shows,
// so what the server keeps, which hides, is its opposite; that strangers have to be accepted is not.

import * as api from './api.js';
import { find, onSubmit, orComplain, say } from './saying.js';

onSubmit(find('name-form'), async () => {
  say('name-said', '');
  await orComplain('name-problem', async () => {
    const { display_name: name } = await api.changeAccount({ display_name: find('name').value });
    find('name').value = name;
    say('name-said', 'Saved.');
  });
});

for (const toggle of document.querySelectorAll('[data-shows]'))
  onToggle(toggle, () => ({ [`hides_${toggle.dataset.shows}`]: !toggle.checked }));
onToggle(find('asks-first'), () => ({ asks_first: find('asks-first').checked }));

function onToggle(toggle, changes) {
  toggle.addEventListener('change', async () => {
    say('privacy-said', '');
    toggle.disabled = true;
    const isDone = await orComplain('privacy-problem', async () => {
      await api.changeAccount(changes());
      say('privacy-said', 'Saved.');
    });
    toggle.disabled = false;
    if (!isDone) toggle.checked = !toggle.checked;
    toggle.focus();
  });
}
