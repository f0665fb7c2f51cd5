/** What went wrong, in one word; `usage` ends the command with status 2, everything else with 1. */
export type CliErrorCode =
  | 'usage'
  | 'config'
  | 'port-in-use'
  | 'java-missing'
  | 'java-too-old'
  | 'firestore-missing'
  | 'functions-failed'
  | 'not-running'
  | 'refused'
  | 'failed';

/** A fault that the person at the terminal can act on: a line that says what, and a line that says what to do. */
export class CliError extends Error {
  readonly code: CliErrorCode;
  /** The next step, as a whole sentence. */
  readonly nextStep: string | undefined;

  constructor(code: CliErrorCode, message: string, nextStep?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
    this.nextStep = nextStep;
  }

  /** The process's exit status for this fault. */
  get exitCode(): 1 | 2 {
    return this.code === 'usage' ? 2 : 1;
  }
}
