// The service worker: keeps the shell of the site (scripts, style, icons, and the chat page as the
// server last gave it), so that the chat opens at once, and without a network; and shows what push
// services bring (push/notices.py). It keeps nothing of the API: messages are seen.js's and
// outbox.js's business. `shell` was written before this text by
// web/pages/shell.py: its version, and what belongs to it.
//
// The page is kept with the files of its own version, and shown before the server is asked; what the
// server answers is kept for the next time. When another version is served, its service worker brings
// all of it first, and then takes over; a page that is open keeps what it has, and is told.

const { version, files, page, offline } = self.shell;
const PREFIX = 'katydid ';
const NAME = PREFIX + version;

self.addEventListener('install', (event) => event.waitUntil(bring()));
self.addEventListener('activate', (event) => event.waitUntil(begin()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.mode === 'navigate') {
    // Logging in or out, or whatever else changes who is who.
    if (request.method !== 'GET') {
      event.respondWith(fetch(request).catch(() => caches.match(offline)));
      event.waitUntil(forgetPage());
    } else if (pathname === page) event.respondWith(chatPage(event));
    else event.respondWith(fetch(request).catch(() => caches.match(offline)));
  } else if (pathname.startsWith('/static/')) event.respondWith(file(request));
});

async function bring() {
  const cache = await caches.open(NAME);
  await cache.addAll([...files, offline]);
  await askForPage(cache).catch(() => {}); // nobody may be logged in
  await self.skipWaiting();
}

/** The version before is left to pages that are just being loaded; older ones go. */
async function begin() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(names.slice(0, -1).map((name) => caches.delete(name)));
  await self.clients.claim();
  for (const client of await self.clients.matchAll()) client.postMessage({ version });
}

async function chatPage(event) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(page);
  const asked = askForPage(cache);
  if (!kept) return asked.catch(() => caches.match(offline));
  event.waitUntil(asked.catch(() => {}));
  return kept;
}

/** The page as the server gives it now; kept if it is one of this version, and of who is logged in. */
async function askForPage(cache) {
  const response = await fetch(page, { cache: 'no-store', redirect: 'manual' });
  if (response.ok && (await response.clone().text()).includes(`/static/${version}/`))
    await cache.put(page, response.clone());
  if (response.type === 'opaqueredirect') await forgetPage(); // to the login
  return response;
}

async function forgetPage() {
  for (const name of await caches.keys()) await (await caches.open(name)).delete(page);
}

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// Notifications: one for each peer, the newest in place of the one before.

self.addEventListener('push', (event) => event.waitUntil(show(event.data.json())));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openConversation(event.notification.tag));
});

async function show({ kind, peer, name, text, unread }) {
  if (kind === 'read') return close(peer);
  const more = unread > 1 ? ` (${unread})` : '';
  return registration.showNotification(`${name}${more}`, {
    body: text,
    tag: peer,
    renotify: true,
    icon: icon('logo-192.png'),
    badge: icon('badge-96.png'),
  });
}

async function close(peer) {
  for (const shown of await registration.getNotifications({ tag: peer })) shown.close();
}

/** In a page that is open already, or in a new one. */
async function openConversation(peer) {
  const pages = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  const open = pages.find(({ url }) => new URL(url).pathname === page);
  if (!open) return clients.openWindow(`${page}#${peer}`);
  open.postMessage({ show: peer });
  return open.focus();
}

const icon = (name) => `/static/${version}/${name}`;
