import { invalidArgument } from './core/faults.ts';
import type { EmulatorOptions } from './emulator.ts';
import type { EngineSettings } from './engine/engine.ts';

/** What to write instead, where a value cannot be meant; undefined where it can. */
type Check = (value: unknown) => string | undefined;

const SETTINGS: Readonly<Record<keyof EngineSettings, Check>> = {
  taskNameReuseAfterMs: milliseconds,
  queueNameReuseAfterMs: milliseconds,
  autoCreatesQueues: truth,
  missingQueueCode: oneOf('NOT_FOUND', 'FAILED_PRECONDITION'),
  conflictCode: oneOf('ABORTED', 'ALREADY_EXISTS'),
  hasBackPressure: truth,
  hasErrorPressure: truth,
  hasSlowStart: truth,
};

// What a queue, an address or a snapshot may hold is checked where it is read.
const OPTIONS: Readonly<Record<keyof EmulatorOptions, Check>> = {
  host: text('a host name or an address, such as 127.0.0.1'),
  port: (value) => (isWhole(value, 0, 65_535) ? undefined : 'a whole number from 0 to 65535'),
  publicUrl: text('an address such as http://127.0.0.1:8123'),
  project: matching(/^[A-Za-z0-9:.-]+$/, 'a project id, such as demo-project'),
  location: matching(/^[A-Za-z0-9-]+$/, 'a location, such as us-central1'),
  queues: (value) =>
    Array.isArray(value) && value.every((queue) => isObject(queue) && typeof queue['name'] === 'string')
      ? undefined
      : 'a list of queues, such as [{ name: "mail" }]',
  appEngineUrl: (value) =>
    typeof value === 'string' || isObject(value) ? undefined : 'an address, or one by service',
  followRedirects: truth,
  traceContext: truth,
  rewrite: (value) => (isObject(value) ? undefined : 'an object of addresses or hosts'),
  profile: oneOf('local', 'strict'),
  settings: (value) => (isObject(value) ? undefined : 'an object of settings'),
  onWarning: action,
  dataFile: text('the name of a file'),
  snapshot: () => undefined,
  onDataFileTrouble: action,
  clock: oneOf('system', 'virtual'),
  seed: (value) => (isWhole(value, -(2 ** 53), 2 ** 53) ? undefined : 'a whole number'),
  answerWithinMs: milliseconds,
  onDefect: action,
};

/** Refuses what a typed caller cannot write and a caller in JavaScript can. @throws ApiError INVALID_ARGUMENT that names the option */
export function checkOptions(options: EmulatorOptions): void {
  if (!isObject(options))
    throw invalidArgument('startEmulator takes an object of options, such as { port: 8123 }.');
  check('', options, OPTIONS);
  if (isObject(options['settings'])) check('settings.', options['settings'], SETTINGS);
  if (options['traceContext'] === true && options['profile'] === 'strict') {
    throw invalidArgument(
      'traceContext adds a header that Cloud Tasks does not send, and the profile "strict" sends what it sends: leave one of them out.',
    );
  }
}

function check(prefix: string, values: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Object.hasOwn(checks, name)) {
      const names = Object.keys(checks).join(', ');
      throw invalidArgument(`startEmulator has no option ${prefix}${name}. It has ${names}.`);
    }
    const instead = value === undefined ? undefined : checks[name]?.(value);
    if (instead !== undefined)
      throw invalidArgument(`${prefix}${name} is ${JSON.stringify(value)}: write ${instead}.`);
  }
}

/** @throws Error where this Node lacks what the emulator is written with; npm only warns of it */
export function checkNode(version: string): void {
  if (Number.parseInt(version, 10) >= 24) return;
  throw new Error(
    `The emulator needs Node 24 or newer, and this is Node ${version}. npm install --save-dev node@24 adds one to a project.`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, from: number, to: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;
}

function milliseconds(value: unknown): string | undefined {
  return typeof value === 'number' && value >= 0 ? undefined : 'a number of milliseconds';
}

function truth(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false';
}

function action(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'a function';
}

function text(instead: string): Check {
  return matching(/./, instead);
}

function matching(pattern: RegExp, instead: string): Check {
  return (value) => (typeof value === 'string' && pattern.test(value) ? undefined : instead);
}

function oneOf(...names: readonly string[]): Check {
  return (value) =>
    names.some((name) => name === value) ? undefined : names.map((name) => `"${name}"`).join(' or ');
}
