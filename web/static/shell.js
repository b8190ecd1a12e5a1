// The service worker from the page's side: registers it, has it look for a newer version from time to
// time, and says when the page is older than what is served now. Without a service worker (plain http
// beyond localhost) the page works all the same, with a network.

const LOOK_MILLISECONDS = 3_600_000;
const VERSION = new URL(import.meta.url).pathname.split('/').find((part) => part.startsWith('v-'));

export async function keepShell() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const notice = document.querySelector('[data-newer]');
  notice.querySelector('[data-reload]').addEventListener('click', () => location.reload());
  serviceWorker.addEventListener('message', ({ data: { version } }) => {
    if (version) notice.hidden = version === VERSION;
  });
  try {
    const registration = await serviceWorker.register('/service-worker.js');
    setInterval(() => registration.update().catch(() => {}), LOOK_MILLISECONDS);
  } catch {
    // No network, or the browser does not want to: as without one.
  }
}
