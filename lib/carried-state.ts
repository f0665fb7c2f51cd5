import { stateFromText, stateToText, type StateDefinition } from './core/result.ts';

/**
 * The state of a shard while a page is handled. Handlers may replace it or change it in place; what they make of it counts when it is
 * settled, and until then one can go back to what was settled before.
 */
export class CarriedState {
  readonly #task: string;
  readonly #definition: StateDefinition<unknown> | undefined;
  #text: string | undefined;
  #value: unknown;
  /** A state that was not given out cannot have changed. */
  #isOut = false;

  /** @throws PageturnerError `invalid-state` when what the shard has kept does not fit the schema any more. */
  constructor(
    task: { readonly name: string; readonly state?: StateDefinition<unknown> },
    text: string | undefined,
  ) {
    this.#task = task.name;
    this.#definition = task.state;
    if (task.state === undefined) return;
    this.#text = text ?? stateToText(task.name, task.state, task.state.initial);
    this.#value = stateFromText(task.name, task.state, this.#text);
  }

  get value(): unknown {
    this.#isOut = true;
    return this.#value;
  }

  set value(value: unknown) {
    if (this.#definition === undefined) {
      throw new Error(
        `ctx.state was set, and task "${this.#task}" has none: write state: { schema, initial, reduce }.`,
      );
    }
    this.#isOut = true;
    this.#value = value;
  }

  /** Text of what was settled last. */
  get text(): string | undefined {
    return this.#text;
  }

  /**
   * Takes what handlers have made of it.
   *
   * @throws PageturnerError `invalid-state`, and FatalTaskError when it is too large.
   */
  settle(): void {
    if (this.#definition === undefined || !this.#isOut) return;
    this.#text = stateToText(this.#task, this.#definition, this.#value);
    // What a handler holds on to is not what the next one is given.
    this.goBack();
  }

  /** Forgets what was made of it since it was settled. */
  goBack(): void {
    if (this.#definition === undefined || this.#text === undefined) return;
    this.#value = stateFromText(this.#task, this.#definition, this.#text);
    this.#isOut = false;
  }
}
