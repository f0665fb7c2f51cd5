import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { violationsOf } from './check-history.ts';
import { runHistory } from './history.ts';

const given = process.env['SIMULATION_SEED'];
const histories = Number(process.env['SIMULATION_HISTORIES'] ?? 10_000);
/** Enough to see what is wrong. */
const mostFailures = 5;

describe.runIf(given === undefined)('in many histories', () => {
  const strikes = new Map<string, number>();
  // Thousands of errors are made on purpose, and nobody reads where.
  const { stackTraceLimit } = Error;
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  test(`every promise holds (${histories} histories)`, { timeout: 600_000 }, async () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= histories && failures.length < mostFailures; seed += 1) {
      const history = await runHistory(seed);
      const violations = violationsOf(history);
      if (violations.length > 0) failures.push(`SIMULATION_SEED=${seed}: ${violations.join('; ')}`);
      for (const [harm, count] of history.strikes) strikes.set(harm, (strikes.get(harm) ?? 0) + count);
      // Lets the runner have its word.
      if (seed % 100 === 0) await setImmediate();
    }
    expect(failures).toEqual([]);
  });

  test('each kind of harm is done, once in twelve histories at least', () => {
    const rare = [...strikes].filter(([, count]) => count < histories / 12);
    expect(rare).toEqual([]);
    expect(strikes.size).toBe(26);
  });
});

describe.runIf(given !== undefined)(`in the history of SIMULATION_SEED=${given}`, () => {
  test('every promise holds', async () => {
    const history = await runHistory(Number(given));
    console.log(history.walk, history.strikes, history.log.entries);
    expect(violationsOf(history)).toEqual([]);
  });
});
