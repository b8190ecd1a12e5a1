// Elements made from the page's <template>s; their parts are found by data-part.

/** A new element of the template with this name. */
export function made(name) {
  const template = document.querySelector(`template[data-template="${name}"]`);
  return template.content.firstElementChild.cloneNode(true);
}

/** The part of this name within an element. */
export const part = (element, name) => element.querySelector(`[data-part="${name}"]`);

/** A part that is there only while it `isWanted`, made from the template of the same name and put in
    by `put`; null when it is not. */
export function optionalPart(element, name, isWanted, put) {
  const known = part(element, name);
  if (!isWanted) known?.remove();
  if (!isWanted || known) return isWanted ? known : null;
  const added = made(name);
  put(added);
  return added;
}

/** Write into a part, if that changes anything. */
export function write(element, name, text) {
  const written = part(element, name);
  if (written.textContent !== text) written.textContent = text;
}

/** Give an avatar its letter, and its colour by the account's name. */
export function paintAvatar(element, account, displayName) {
  element.textContent = [...displayName][0].toLocaleUpperCase();
  element.dataset.hue = [...account].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 8;
}
