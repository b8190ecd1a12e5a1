// How times and days are called, in the reader's time zone. Pure, but for the zone.

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat('en', { weekday: 'long' });
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });
const fullDate = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const shortDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const DAYS_WITH_A_NAME = 6;

/** The time of day, such as 14:05. */
export const timeOf = (time) => clock.format(new Date(time));

/** The same for all times of one day, different for others. */
export function dayOf(time) {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** Today, Yesterday, Monday, 3 November, 3 November 2025. */
export function dayName(time, now = new Date()) {
  const date = new Date(time);
  const age = daysBetween(date, now);
  if (age === 0) return 'Today';
  if (age === 1) return 'Yesterday';
  if (age > 1 && age <= DAYS_WITH_A_NAME) return weekday.format(date);
  return date.getFullYear() === now.getFullYear()
    ? dayAndMonth.format(date)
    : fullDate.format(date);
}

/** As short as a list needs it: 14:05, Yesterday, Monday, 3 Nov, 3 November 2025. */
export function shortTime(time, now = new Date()) {
  const date = new Date(time);
  const age = daysBetween(date, now);
  if (age === 0) return timeOf(date);
  if (age > DAYS_WITH_A_NAME && date.getFullYear() === now.getFullYear())
    return shortDate.format(date);
  return dayName(time, now);
}

/** When somebody was last here: today at 14:05, yesterday at 9:30, on 3 November. */
export function lastSeen(time, now = new Date()) {
  const name = dayName(time, now);
  if (name === 'Today' || name === 'Yesterday') return `${name.toLowerCase()} at ${timeOf(time)}`;
  return `on ${name}`;
}

/** Whole calendar days; a day with a change of clocks counts as one. */
function daysBetween(earlier, later) {
  const midnight = (date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (midnight(later) - midnight(earlier)) / 86_400_000;
}
