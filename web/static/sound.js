// Two short tones for a message that arrives while nobody looks, made here: no file to fetch. Whether
// they are wanted is this browser's own affair.

const KEY = 'katydid sound';
const TONES_HERTZ = [660, 880];
const TONE_SECONDS = 0.09;
const LOUDNESS = 0.08;

let audio = null;

export const wantsSound = () => localStorage.getItem(KEY) !== 'off';

export const setSound = (wanted) => localStorage.setItem(KEY, wanted ? 'on' : 'off');

/** Silent in a browser that wants its reader to touch the page first. */
export function chime() {
  audio ??= new AudioContext();
  TONES_HERTZ.forEach((hertz, index) => {
    const begins = audio.currentTime + index * TONE_SECONDS;
    const tone = new OscillatorNode(audio, { type: 'sine', frequency: hertz });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setTargetAtTime(LOUDNESS, begins, 0.005);
    volume.gain.setTargetAtTime(0, begins + TONE_SECONDS / 2, 0.03);
    tone.connect(volume).connect(audio.destination);
    tone.start(begins);
    tone.stop(begins + 4 * TONE_SECONDS);
  });
}
