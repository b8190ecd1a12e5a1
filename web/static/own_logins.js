// The settings page, logins: the browsers that are logged in, and logging them out from here. A
// browser's device ends with its login, so the list tells when one is `gone`.

import * as api from './api.js';
import { lastSeen } from './days.js';
import { counted, find, orComplain, say } from './saying.js';
import { made, part, write } from './templates.js';

export async function showLogins() {
  const { logins } = await api.persistently(api.logins);
  find('logins').replaceChildren(...logins.map(line));
  find('logins').removeAttribute('aria-busy');
  find('log-out-others').hidden = logins.every(({ current }) => current);
}

function line({ login, browser, begun_at: begunAt, last_seen_at: seenAt, current }) {
  const item = made('login');
  write(item, 'browser', browser);
  write(item, 'seen', lastSeen(seenAt));
  write(item, 'begun', lastSeen(begunAt));
  part(item, 'begun').dateTime = begunAt;
  part(item, 'current').hidden = !current;
  part(item, 'end').hidden = current; // above, with the account, is a button for this one
  write(item, 'end-name', ` ${browser}`);
  part(item, 'end').addEventListener('click', ({ currentTarget }) =>
    end(currentTarget, async () => {
      await api.endLogin(login);
      return `${browser} is logged out.`;
    }),
  );
  return item;
}

/** Do it, say what came of it, and show what is left. */
async function end(button, work) {
  button.disabled = true;
  await orComplain('logins-problem', async () => {
    say('logins-said', await work());
    find('logins-title').focus(); // the button is gone
  });
  button.disabled = false;
  find('logins').dispatchEvent(new Event('gone'));
  await showLogins();
}

find('log-out-others').addEventListener('click', ({ currentTarget }) =>
  end(currentTarget, async () => {
    const { logins_ended: ended } = await api.endOtherLogins();
    return `${counted(ended, 'other browser is', 'other browsers are')} logged out.`;
  }),
);
