// The permanent link to a message: the time of each is a button that copies it.

/** Where a message is, for everybody who may see it; the peer is named as the reader calls them. */
export const linkTo = (peer, seq) => `${location.origin}/#${peer}/${seq}`;

export function offerLinks(state) {
  const region = document.querySelector('[data-copied]');
  const messages = document.querySelector('[data-messages]');
  messages.addEventListener('click', async ({ target }) => {
    const seq = target.closest('[data-copy-link]')?.closest('[data-message]').dataset.seq;
    if (!seq) return;
    await copy(linkTo(state.openPeer, seq));
    region.textContent = 'Link copied';
    setTimeout(() => (region.textContent = ''), 2_000);
  });
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
  return copyBySelection(text);
}

/** navigator.clipboard does not exist on plain http beyond localhost. */
function copyBySelection(text) {
  const field = document.createElement('textarea');
  const focused = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  focused.focus();
}
