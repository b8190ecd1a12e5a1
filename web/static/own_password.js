// The settings page, password: the present one, with a code where there is a second factor, and a
// new one in its place.

import * as api from './api.js';
import { showSecondFactor } from './own_second_factor.js';
import { counted, find, onSubmit, orComplain, say } from './saying.js';

onSubmit(find('password-form'), async () => {
  say('password-said', '');
  await orComplain('password-problem', async () => {
    const [present, fresh] = [find('password-present').value, find('password-new').value];
    const code = find('password-code').value || undefined;
    const { logins_ended: ended } = await api.changePassword(present, fresh, code);
    find('password-form').reset();
    const others = counted(ended, 'other browser was', 'other browsers were');
    say('password-said', `The password is changed.${ended ? ` ${others} logged out.` : ''}`);
    if (code) await showSecondFactor(); // it may have been a recovery code
  });
});
