// The dialog that begins a conversation with an account by its exact name.

import { findAccount } from './sync.js';

const ACCOUNT_NAME = /^[a-z0-9][a-z0-9_-]{1,31}$/;

export class Beginning {
  #state;
  #show;
  #dialog = document.querySelector('[data-begin-dialog]');
  #form = document.querySelector('[data-begin-form]');
  #field = document.querySelector('[data-begin-account]');
  #problem = document.querySelector('[data-begin-problem]');

  /** `show` is called with the name of the peer, when there is one. */
  constructor(state, show) {
    this.#state = state;
    this.#show = show;
    for (const button of document.querySelectorAll('[data-begin]')) {
      button.addEventListener('click', () => this.#open());
    }
    this.#form.addEventListener('submit', (event) => this.#submit(event));
    this.#dialog
      .querySelector('[data-close]')
      .addEventListener('click', () => this.#dialog.close());
  }

  #open() {
    this.#form.reset();
    this.#complain('');
    this.#dialog.showModal();
    this.#field.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const name = this.#field.value.trim().replace(/^@/, '').toLowerCase();
    try {
      const problem = await this.#problemWith(name);
      if (problem) return this.#complain(problem);
    } catch (error) {
      return this.#complain(error.message);
    }
    this.#dialog.close();
    return this.#show(name);
  }

  /** Why there can be no conversation with this name; nothing, when there can, and it is begun. */
  async #problemWith(name) {
    if (!name) return 'Whom do you want to write to? Enter the name of an account.';
    if (name === this.#state.account) return 'That is you. A conversation needs somebody else.';
    const unknown = `There is no account called “${name}”. Ask for the exact name.`;
    if (!ACCOUNT_NAME.test(name)) return unknown;
    const found = await findAccount(name);
    if (!found) return unknown;
    this.#state.begin(found.account, found.display_name);
    return '';
  }

  #complain(problem) {
    this.#problem.textContent = problem;
    this.#problem.hidden = !problem;
    this.#field.setAttribute('aria-invalid', String(Boolean(problem)));
    if (problem) this.#field.select();
  }
}
