/**
 * Runs one command and sees to its end. The process that started the guard holds the other end of descriptor 3; when that end
 * closes, for whatever reason (asked to, crashed, killed with SIGKILL), the command and all that it started are ended.
 *
 * The words on descriptor 3, one JSON object a line: `{started: pid}`, `{failed: {code, message}}`, `{exited: {code, signal}}`.
 * Descriptor 4, where the command was promised one, is handed on to it as its descriptor 3.
 *
 * Arguments: a JSON object (`GuardSettings`), then the command and its arguments.
 */
import { spawn, type StdioOptions } from 'node:child_process';
import { Socket } from 'node:net';
import type { GuardSettings } from './guard.ts';

const [settingsText = '{}', command = '', ...args] = process.argv.slice(2);
const settings = JSON.parse(settingsText) as GuardSettings;

// A signal from the terminal is for the command to heed; the guard goes when the command has gone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});

// Half-open: after the other side has closed its end, the last word still goes out.
const lifeline = new Socket({ fd: 3, allowHalfOpen: true });
const stdio: StdioOptions = ['inherit', 'inherit', 'inherit'];
if (settings.hasReport) stdio.push(4);

// A group of its own lets the guard end whatever the command starts, too. A command in the foreground stays in the
// terminal's group, or reading from the terminal would stop it.
const child = spawn(command, args, { stdio, detached: !settings.isForeground });

function say(word: object): void {
  if (!lifeline.destroyed && lifeline.writable) lifeline.write(`${JSON.stringify(word)}\n`);
}

function signalAll(signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(settings.isForeground ? child.pid : -child.pid, signal);
  } catch {
    // Gone already.
  }
}

let isEnding = false;
function end(): void {
  if (isEnding) return;
  isEnding = true;
  signalAll('SIGTERM');
  setTimeout(() => signalAll('SIGKILL'), settings.graceMs).unref();
}

lifeline.on('end', end);
lifeline.on('close', end);
lifeline.on('error', end);
lifeline.resume();

child.on('spawn', () => say({ started: child.pid }));
child.on('error', (error: NodeJS.ErrnoException) => {
  say({ failed: { code: error.code, message: error.message } });
  leave();
});
child.on('exit', (code, signal) => {
  // Whoever is left of the group has lost its leader.
  if (!settings.isForeground) signalAll('SIGKILL');
  say({ exited: { code, signal } });
  leave();
});

function leave(): void {
  lifeline.on('close', () => process.exit());
  if (lifeline.destroyed) process.exit();
  lifeline.end(() => process.exit());
}
