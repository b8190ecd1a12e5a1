// What a text means to its readers: links to the web, **bold**, _italic_ or *italic*, `code`, and
// blocks between ```. `parsed` is pure; `formatted` makes nodes of it and never reads HTML, so that
// whatever a text holds is shown as text. What is not surely one of these stays as it was written.

// In this order where several begin at the same place. None looks further than its own end, so that
// 4,000 characters made to be slow are not.
const MARKED = new RegExp(
  [
    /```(?:[\w+#-]{0,20}\n)?(?<block>(?:(?!```)[^])+)```/,
    /(?<!`)`(?<code>[^`\n]+)`(?!`)/,
    /(?<![\p{L}\p{N}])(?<link>(?:https?:\/\/|mailto:)[^\s<>"`\p{Cc}\p{Cf}]+)/,
    /\*\*(?=[^\s*])(?<bold>(?:(?!\*\*).)+)(?<=\S)\*\*/,
    /(?<![\p{L}\p{N}*])\*(?=[^\s*])(?<starred>[^*\n]+)(?<=\S)\*(?![\p{L}\p{N}*])/,
    /(?<![\p{L}\p{N}_])_(?=[^\s_])(?<italic>(?:[^_\n]|(?<=[\p{L}\p{N}])_(?=[\p{L}\p{N}]))+)(?<=\S)_(?![\p{L}\p{N}_])/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'giu',
);
const PROTOCOLS = new Set(['http:', 'https:', 'mailto:']);
const ELEMENTS = { bold: 'strong', italic: 'em', code: 'code' };
const SIGNS = new Set('.,;:!?\'*_…»”’');
const OPENING = { ')': '(', ']': '[' };
const MOST_NESTED = 3;
const MOST_IN_A_LINE = 300;

/** The parts of a text in order: {kind: 'text', text}, {kind: 'link', text, url}, {kind: 'bold' or
    'italic', parts}, {kind: 'code' or 'block', text}. */
export function parsed(text, depth = 0) {
  const parts = [];
  let end = 0;
  const add = (from, to) => to > from && parts.push({ kind: 'text', text: text.slice(from, to) });
  for (const match of text.matchAll(MARKED)) {
    const part = meant(match.groups, depth);
    if (!part) continue;
    add(end, match.index);
    parts.push(part);
    end = match.index + (part.kind === 'link' ? part.text.length : match[0].length);
  }
  add(end, text.length);
  return parts;
}

/** The beginning of a text without its signs, where there is one line for it. */
export const plain = (text) =>
  parsed(text.slice(0, MOST_IN_A_LINE)).map(words).join('').replace(/\s+/g, ' ').trim();

const words = ({ text, parts }) => text ?? parts.map(words).join('');

/** A fragment that shows the text. */
export function formatted(text) {
  const fragment = document.createDocumentFragment();
  fragment.append(...parsed(text).map(node));
  return fragment;
}

function meant({ block, code, link, bold, starred, italic }, depth) {
  if (block !== undefined && !/[^\s`]/.test(block)) return null;
  if (block !== undefined) return { kind: 'block', text: block.replace(/^\n|\n$/g, '') };
  if (code !== undefined) return { kind: 'code', text: code };
  if (link !== undefined) return linkPart(link);
  if (depth >= MOST_NESTED) return null;
  const parts = parsed(bold ?? starred ?? italic, depth + 1);
  return { kind: bold === undefined ? 'italic' : 'bold', parts };
}

/** A link without the sentence's own signs at its end; null for what had better be no link. */
function linkPart(written) {
  const text = withoutEnd(written);
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  // “https://bank.example@evil.example” leads to the second: nobody sends that in good faith.
  if (!PROTOCOLS.has(url.protocol) || url.username || url.password) return null;
  if (url.protocol === 'mailto:' && !/^[^@?]+@[^@?]+$/.test(url.pathname)) return null;
  return { kind: 'link', text, url: url.href };
}

/** Each sign is counted once: a link of nothing but brackets is looked at as quickly as another. */
function withoutEnd(written) {
  const counts = {};
  for (const sign of written) counts[sign] = (counts[sign] ?? 0) + 1;
  let end = written.length;
  for (; end > 0; end -= 1) {
    const last = written[end - 1];
    const opening = OPENING[last];
    const isUnopened = opening !== undefined && counts[last] > (counts[opening] ?? 0);
    if (!SIGNS.has(last) && !isUnopened) break;
    counts[last] -= 1;
  }
  return written.slice(0, end);
}

function node({ kind, text, url, parts }) {
  if (kind === 'text') return document.createTextNode(text);
  if (kind === 'link') return linkTo(url, text);
  if (kind === 'block') return blockOf(text);
  const element = document.createElement(ELEMENTS[kind]);
  if (parts) element.append(...parts.map(node));
  else element.textContent = text;
  return element;
}

function linkTo(url, text) {
  const link = document.createElement('a');
  link.href = url;
  link.rel = 'noopener noreferrer nofollow';
  if (!url.startsWith(`${location.origin}/`)) link.target = '_blank';
  link.dir = 'ltr'; // an address is not turned round by what stands beside it
  if (url !== text) link.title = url; // such as the true name behind letters that look alike
  link.textContent = text;
  return link;
}

function blockOf(text) {
  const block = document.createElement('pre');
  block.tabIndex = 0; // it may be wider than its bubble, and is then moved by keys
  block.append(document.createElement('code'));
  block.firstChild.textContent = text;
  return block;
}
