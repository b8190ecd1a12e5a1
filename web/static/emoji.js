// The emojis of reactions: those that are offered, and what else may be one. Pure.

/** Offered to everybody, with their names for those who cannot see them. */
export const OFFERED = {
  '👍': 'Thumbs up',
  '❤️': 'Heart',
  '😂': 'Laughing',
  '😮': 'Surprised',
  '😢': 'Sad',
  '🙏': 'Thanks',
};
const MOST_CHARACTERS = 32;
const BEGINS_AS_ONE = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[#*\d]\u{fe0f}?\u{20e3})/u;
const segmenter = new Intl.Segmenter();

/** The one emoji that was typed; null for anything else. */
export function emojiOf(typed) {
  const text = typed.trim();
  const isOne = [...segmenter.segment(text)].length === 1 && BEGINS_AS_ONE.test(text);
  return isOne && [...text].length <= MOST_CHARACTERS ? text : null;
}
