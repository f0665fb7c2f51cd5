import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { violationsOf } from './check-history.ts';
import { runHistory } from './history.ts';

const given = process.env['SIMULATION_SEED'];
const histories = Number(process.env['SIMULATION_HISTORIES'] ?? 10_000);
/** Enough to see what is wrong. */
const mostFailures = 5;
/** Files that share the histories between them, so that the runner can share them between its workers. */
const parts = 4;
/** Kinds of harm that are done. */
const harms = 45;

/** The tests of every fourth history, from the given one on; or of the one history that is asked for. */
export function inManyHistories(first: number): void {
  const seeds = Array.from(
    { length: Math.ceil((histories + 1 - first) / parts) },
    (_, n) => first + n * parts,
  );
  if (given === undefined) inEach(seeds);
  else describe.runIf(Number(given) % parts === first % parts)(replayed, inTheOneGiven);
}

function inEach(seeds: readonly number[]): void {
  const strikes = new Map<string, number>();
  // Thousands of errors are made on purpose, and nobody reads where.
  const { stackTraceLimit } = Error;
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  test(`every promise holds in many histories (${seeds.length})`, { timeout: 600_000 }, async () => {
    const failures: string[] = [];
    for (const [place, seed] of seeds.entries()) {
      const history = await runHistory(seed).catch((cause: unknown) => {
        throw new Error(`SIMULATION_SEED=${seed} does not get to its end`, { cause });
      });
      const violations = violationsOf(history);
      if (violations.length > 0) failures.push(`SIMULATION_SEED=${seed}: ${violations.join('; ')}`);
      if (failures.length === mostFailures) break;
      for (const [harm, count] of history.strikes) strikes.set(harm, (strikes.get(harm) ?? 0) + count);
      // Lets the runner have its word.
      if (place % 100 === 0) await setImmediate();
    }
    expect(failures).toEqual([]);
  });

  test('each kind of harm is done, once in twelve histories at least', () => {
    const rare = [...strikes].filter(([, count]) => count < seeds.length / 12);
    expect(rare).toEqual([]);
    expect(strikes.size).toBe(harms);
  });
}

const replayed = `in the history of SIMULATION_SEED=${given}`;

function inTheOneGiven(): void {
  test('every promise holds', async () => {
    const history = await runHistory(Number(given));
    console.log(history.walk, history.strikes, history.log.entries);
    expect(violationsOf(history)).toEqual([]);
  });
}
