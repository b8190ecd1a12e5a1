// The settings page, invitations: making a link, and what became of those made before. The page has
// this part only where accounts are made by invitation.

import * as api from './api.js';
import { lastSeen } from './days.js';
import { find, orComplain, say } from './saying.js';
import { made, write } from './templates.js';

export async function showInvitations() {
  if (!find('invitations')) return;
  const { invitations } = await api.persistently(api.invitations);
  find('invitations').replaceChildren(...invitations.map(line));
}

function line(invitation) {
  const item = made('invitation');
  write(item, 'fate', fate(invitation));
  write(item, 'day', `made ${lastSeen(invitation.created_at)}`);
  return item;
}

function fate({ used_by: usedBy, expires_at: expiresAt }) {
  if (usedBy) return `Used by @${usedBy}`;
  return new Date(expiresAt) < new Date() ? 'Expired unused' : 'Not used yet';
}

async function invite() {
  await orComplain('invite-problem', async () => {
    const { url } = await api.invite();
    find('invitation-url').value = url;
    find('invitation-link').hidden = false;
    find('invitation-url').select();
    say('invite-said', 'A new link was made.');
    await showInvitations();
  });
}

async function copy() {
  find('invitation-url').select();
  // navigator.clipboard does not exist on plain http beyond localhost.
  if (navigator.clipboard) await navigator.clipboard.writeText(find('invitation-url').value);
  else document.execCommand('copy');
  say('invite-said', 'Copied.');
}

find('invite')?.addEventListener('click', invite);
find('copy-invitation')?.addEventListener('click', copy);
