// IndexedDB as promises: as little of it as outbox.js and seen.js need.

/** Opens a database of version 1, and has `make` build what is in it when it is new. */
export function opened(name, make) {
  const request = indexedDB.open(name, 1);
  request.addEventListener('upgradeneeded', () => make(request.result));
  return answered(request);
}

/** What a request answers. */
export function answered(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}

/** Change one store by `work`; on disk when it resolves. */
export function changed(database, storeName, work) {
  const transaction = database.transaction(storeName, 'readwrite');
  work(transaction.objectStore(storeName));
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error));
  });
}
