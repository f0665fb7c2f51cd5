import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../error.ts';
import { orAborted } from '../interrupt.ts';
import { variable } from '../variable.ts';
import { startGuarded, type ExitStatus, type GuardedProcess } from './guard.ts';
import { findFirestoreEmulator, findJava, javaMissing } from './firestore-installation.ts';
import { freePort, portUses } from './ports.ts';

export interface FirestoreEmulator extends AsyncDisposable {
  /** `host:port`, the form that FIRESTORE_EMULATOR_HOST takes. */
  readonly host: string;
  /** Whose emulator it is; `environment` is one that ran already and keeps running. */
  readonly source: 'environment' | 'gcloud' | 'firebase-tools';
  /** Settles when it ends; for one of the environment, never. */
  readonly exited: Promise<ExitStatus>;
  close(): Promise<void>;
}

export interface FirestoreEmulatorOptions {
  /** Port on 127.0.0.1; 0 takes any that is free. */
  readonly port: number;
  /** Where FIRESTORE_EMULATOR_HOST, PATH and JAVA_HOME are read; this process's own environment by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds to wait for the first answer; 60,000 by default. */
  readonly startTimeoutMs?: number;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

/**
 * Gives a Firestore emulator that answers: the one that FIRESTORE_EMULATOR_HOST names, else one of its own, started from
 * the gcloud CLI's component or from firebase-tools' copy.
 *
 * @throws CliError where there is none, where Java is missing or too old, and where the port is occupied; `signal.reason` when it is
 *   aborted
 */
export async function startFirestoreEmulator(options: FirestoreEmulatorOptions): Promise<FirestoreEmulator> {
  const { env = process.env, startTimeoutMs = 60_000, signal } = options;
  const running = namedFirestore(env);
  if (running) return useRunning(running);

  const installation = findFirestoreEmulator(env);
  const java = findJava(env);
  const port = await freePort(portUses.firestore(options.port));
  const emulator = await startGuarded({
    command: java,
    // The serial collector starts fastest and leaves the second core to the functions.
    args: ['-XX:+UseSerialGC', ...installation.javaArgs, '--host=127.0.0.1', `--port=${port}`],
    env,
    graceMs: 3_000,
  });
  const lastLines = keepLastLines(emulator);
  const host = `127.0.0.1:${port}`;
  try {
    const answers = untilItAnswers(host, emulator.exited, startTimeoutMs);
    await (signal ? orAborted(answers, signal) : answers);
  } catch (error) {
    await emulator.close();
    if (signal?.aborted) throw error;
    throw explain(error, lastLines());
  }
  return {
    host,
    source: installation.source,
    exited: emulator.exited,
    close: () => emulator.close(),
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}

/** `host:port` of a Firestore emulator that runs already, where the environment names one. */
export function namedFirestore(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return variable('FIRESTORE_EMULATOR_HOST', env);
}

async function useRunning(host: string): Promise<FirestoreEmulator> {
  if (!(await firestoreAnswers(host))) {
    throw new CliError(
      'not-running',
      `FIRESTORE_EMULATOR_HOST is ${host}, but no Firestore emulator answers there.`,
      'Start it, or unset FIRESTORE_EMULATOR_HOST to have one started here.',
    );
  }
  return {
    host,
    source: 'environment',
    exited: new Promise(() => {}),
    close: leaveRunning,
    [Symbol.asyncDispose]: leaveRunning,
  };
}

/** What was there before stays. */
async function leaveRunning(): Promise<void> {}

/** It says "running" a little before it answers, so its answer is what counts. */
async function untilItAnswers(host: string, exited: Promise<ExitStatus>, timeoutMs: number): Promise<void> {
  let status: ExitStatus | undefined;
  void exited.then((ended) => (status = ended));
  const deadline = performance.now() + timeoutMs;
  while (!(await firestoreAnswers(host))) {
    if (status) throw new Error(`it ended at once (${status.signal ?? `status ${status.code}`})`);
    if (performance.now() > deadline) throw new Error(`no answer within ${timeoutMs / 1000} s`);
    await sleep(30);
  }
}

/** Whether a Firestore emulator answers at `host:port`. */
export async function firestoreAnswers(host: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}/`, { signal: AbortSignal.timeout(2_000) });
    return (await response.text()).trim() === 'Ok';
  } catch {
    return false;
  }
}

/** Reads the output, as an unread pipe would stop the process, and keeps its end to explain a failure. */
function keepLastLines(emulator: GuardedProcess): () => string {
  let tail = '';
  for (const stream of [emulator.stdout, emulator.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-2_000);
    });
  }
  return () => tail.trim();
}

function explain(error: unknown, output: string): CliError {
  const tooOld = /UnsupportedClassVersionError.*class file version (\d+)[^]*?up to (\d+)/.exec(output);
  if (tooOld) {
    // Class files count from 44: 55 is Java 11.
    const [needed, present] = [Number(tooOld[1]) - 44, Number(tooOld[2]) - 44];
    return new CliError(
      'java-too-old',
      `Google's Firestore emulator needs Java ${needed} or newer; the java found is ${present}.`,
      'Install a newer one, or point JAVA_HOME at it.',
    );
  }
  if (/Unable to locate a Java Runtime/.test(output)) return javaMissing();
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(
    'failed',
    `Google's Firestore emulator did not start: ${reason}.${output ? ` It said: ${output.split('\n').at(-1)}` : ''}`,
    'Run `gcloud emulators firestore start` to see more, or set FIRESTORE_EMULATOR_HOST to one that runs.',
    { cause: error },
  );
}
