// How a page of forms tells what came of it: a quiet line when it went well, the server's sentence
// when it did not. Each form has a place for both, found by their hooks.

/** The element with this hook. */
export const find = (hook) => document.querySelector(`[data-${hook}]`);

/** Do it; when the server says no, show its sentence at the place for problems. Answers whether it
    went well. */
export async function orComplain(place, work) {
  const problem = find(place);
  problem.hidden = true;
  try {
    await work();
    return true;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    return false;
  }
}

/** Show that it is done, where a screen reader hears of it too. */
export function say(place, words) {
  find(place).textContent = words;
}

/** Send the form by `work`, with its button disabled meanwhile. */
export function onSubmit(form, work) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('[type=submit]');
    button.disabled = true;
    await work(form);
    button.disabled = false;
  });
}

/** “1 device”, “2 devices”. */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
