import type { Emulator } from '../../emulator/index.ts';
import type { EmulatorConfig } from '../../config/schema.ts';
import { emulatorEnvironment } from './environment.ts';
import { namedFirestore, startFirestoreEmulator, type FirestoreEmulator } from './firestore-emulator.ts';
import { startFunctions, type Functions, type FunctionsEvent } from './functions.ts';
import { startMailSink, type MailSink } from './mail-sink.ts';
import { freePort, portUses } from './ports.ts';
import { startTasksEmulator } from './tasks-emulator.ts';

export interface LocalStackOptions {
  readonly config: EmulatorConfig;
  /** The module that registers the functions. */
  readonly entry: string;
  /** `configured`: those of the configuration; `free`: any that are free, so that several stacks run side by side. */
  readonly ports: 'configured' | 'free';
  /** Whether the functions start anew when their files change. */
  readonly isReloading: boolean;
  readonly onFunctionsEvent?: (event: FunctionsEvent) => void;
  /** Gives the start up: what has started is ended. Once all of it answers it has no effect. */
  readonly signal: AbortSignal;
}

/** Everything that the functions need, on this machine. */
export interface LocalStack extends AsyncDisposable {
  readonly tasks: Emulator;
  readonly firestore: FirestoreEmulator;
  readonly mail: MailSink;
  readonly functions: Functions;
  /** The environment in which the functions, and the clients beside them, find everything. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends everything, last in first out. */
  close(): Promise<void>;
}

/**
 * Starts the Cloud Tasks emulator, the mail sink, Firestore's emulator and the functions, and resolves when all of them answer.
 * When one of them does not start, the others are ended.
 *
 * @throws CliError that says what did not start and what to do; `signal.reason` when it is aborted
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { config, isReloading, entry, onFunctionsEvent, signal } = options;
  const ports = options.ports === 'free' ? { tasks: 0, firestore: 0, functions: 0, smtp: 0 } : config.ports;
  await using started = new AsyncDisposableStack();

  // An address that somebody wrote down is of the port that they configured.
  const ownConfig = options.ports === 'free' ? { ...config, publicUrl: undefined } : config;
  const tasks = started.use(await startTasksEmulator(ownConfig, portUses.tasks(ports.tasks)));
  const mail = started.use(await startMailSink({ port: ports.smtp }));
  // Both are told their ports before they start, so that each can start without waiting for the other.
  const functionsPort = await freePort(portUses.functions(ports.functions));
  const running = namedFirestore();
  // One that runs already may well have that port.
  const firestorePort = running === undefined ? await freePort(portUses.firestore(ports.firestore)) : 0;
  const firestoreHost = running ?? `127.0.0.1:${firestorePort}`;
  const env = environment({ config, tasks, mail, firestoreHost, functionsPort });
  // Functions may wait for a Firestore that never comes: what fails first gives both up.
  const failing = new AbortController();
  const given = AbortSignal.any([signal, failing.signal]);
  const [firestore, functions] = await together(
    started,
    failing,
    startFirestoreEmulator({ port: firestorePort, signal: given }),
    startFunctions({
      entry,
      port: functionsPort,
      // As in the cloud: the framework then keeps the stack of a body that it cannot read to itself.
      env: { ...process.env, ...env, NODE_ENV: 'production' },
      isReloading,
      signal: given,
      ...(onFunctionsEvent ? { onEvent: onFunctionsEvent } : {}),
    }),
  );

  signal.throwIfAborted();
  const all = started.move();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= all.disposeAsync());
  return { tasks, firestore, mail, functions, env, close, [Symbol.asyncDispose]: close };
}

/** Waits for both. When one fails, `failing` gives the other up, what has started is left to `started`, and the first fault is thrown. */
async function together<A extends AsyncDisposable, B extends AsyncDisposable>(
  started: AsyncDisposableStack,
  failing: AbortController,
  first: Promise<A>,
  second: Promise<B>,
): Promise<[A, B]> {
  const both = [first, second].map((each) =>
    each.catch((error: unknown) => {
      failing.abort(error);
      throw error;
    }),
  );
  for (const result of await Promise.allSettled(both)) {
    if (result.status === 'fulfilled') started.use(result.value);
  }
  failing.signal.throwIfAborted();
  return await Promise.all([first, second]);
}

interface Parts {
  readonly config: EmulatorConfig;
  readonly tasks: Emulator;
  readonly mail: MailSink;
  /** `host:port` */
  readonly firestoreHost: string;
  readonly functionsPort: number;
}

function environment({ config, tasks, mail, firestoreHost, functionsPort }: Parts): Record<string, string> {
  const { project, location } = config;
  return {
    ...emulatorEnvironment(config, `${tasks.host}:${tasks.port}`),
    FIRESTORE_EMULATOR_HOST: firestoreHost,
    SMTP_URL: mail.url,
    PAGETURNER_LOCATION: location,
    PAGETURNER_FUNCTIONS_URL: `http://127.0.0.1:${functionsPort}`,
    PAGETURNER_SERVICE_ACCOUNT: `pageturner@${project}.iam.gserviceaccount.com`,
    PAGETURNER_CALLERS: `developer@${project}.iam.gserviceaccount.com`,
    PAGETURNER_ISSUER: tasks.issuer,
  };
}
