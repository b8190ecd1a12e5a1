// Reads new messages out to those who listen to the page instead of looking at it.

export function announceMessages(state) {
  const region = document.querySelector('[data-announcements]');
  state.addEventListener('thread', ({ detail: { peer, arrived } }) => {
    const newest = arrived.findLast(({ from }) => from === peer);
    if (newest && !state.conversation(peer).isMuted)
      region.textContent = `${state.conversation(peer).displayName}: ${newest.text}`;
  });
}
