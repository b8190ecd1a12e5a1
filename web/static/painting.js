// When views are painted anew: at once, but in a burst of events only once a frame.

/** A function that has `paint` called soon: now, or with the next frame if it was just called. */
export function paintedOnceAFrame(paint) {
  let isWaiting = false;
  let paintedAt = -Infinity;
  const now = () => {
    isWaiting = false;
    paintedAt = performance.now();
    paint();
  };
  return () => {
    if (isWaiting) return;
    if (performance.now() - paintedAt > 16) return now();
    isWaiting = true;
    setTimeout(now, 16); // not requestAnimationFrame, which stands still in the background
  };
}
