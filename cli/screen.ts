/** What is needed of a terminal; standard output is one, if it is a terminal at all. */
export interface Terminal {
  readonly rows: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const cutLines = '\u001B[?7l';
const wrapLines = '\u001B[?7h';
const clearDown = '\u001B[J';
const clearAll = '\u001B[H\u001B[2J';

/**
 * Lines in a terminal that are drawn over and over. Lines that are too long are cut by the terminal, which alone knows how wide its
 * characters are, so that each takes one row and the next frame finds the first.
 */
export class Screen {
  readonly #terminal: Terminal;
  #height = 0;
  #isOpen = true;
  /** After a change of size nobody knows where the lines are. */
  #isLost = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(hideCursor + cutLines);
    terminal.on('resize', this.#resized);
    process.on('exit', this.#close);
  }

  /** How many lines fit. Some terminals say that they have none: those do not know. */
  get rows(): number {
    return this.#terminal.rows || 24;
  }

  /** Draws these lines in place of those before; at most as many as the terminal has rows. */
  draw(lines: readonly string[]): void {
    const up = this.#height > 1 ? `\u001B[${this.#height - 1}A` : '';
    const start = this.#isLost ? clearAll : `\r${up}${clearDown}`;
    const fitting = lines.slice(0, this.rows);
    this.#terminal.write(start + fitting.join('\r\n'));
    this.#height = fitting.length;
    this.#isLost = false;
  }

  /** Gives the terminal back as it was, on a new line. A second time does nothing. */
  close(): void {
    this.#close();
  }

  readonly #resized = (): void => {
    this.#isLost = true;
  };

  readonly #close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#close);
    this.#terminal.off('resize', this.#resized);
    this.#terminal.write(`${wrapLines}${showCursor}\r\n`);
  };
}
