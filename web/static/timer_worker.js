// The other side of timers.js: runs intervals and says when each is due.

const intervals = new Map();

self.addEventListener('message', ({ data: { id, milliseconds } }) => {
  clearInterval(intervals.get(id));
  intervals.delete(id);
  if (milliseconds !== undefined) {
    intervals.set(
      id,
      setInterval(() => self.postMessage(id), milliseconds),
    );
  }
});
