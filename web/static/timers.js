// Intervals that a browser does not slow down while the page is in the background, for MQTT's
// keepalive: Chromium lets a hidden page's own timers run once a minute only, and a broker ends a
// connection that is silent for one and a half keepalives. A worker's timers keep their pace.

const worker = new Worker(new URL('./timer_worker.js', import.meta.url));
const callbacks = new Map();
let newest = 0;

worker.addEventListener('message', ({ data: id }) => callbacks.get(id)?.());

/** What MQTT.js takes as `timerVariant`: setInterval and clearInterval by other names. */
export const backgroundTimers = {
  set(callback, milliseconds) {
    newest += 1;
    callbacks.set(newest, callback);
    worker.postMessage({ id: newest, milliseconds });
    return newest;
  },

  clear(id) {
    callbacks.delete(id);
    worker.postMessage({ id });
  },
};
