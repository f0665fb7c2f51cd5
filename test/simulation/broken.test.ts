import { describe, expect, test } from 'vitest';
import { violationsOf } from './check-history.ts';
import { runHistory } from './history.ts';
import type { Break } from './worker-process.ts';
import {
  withStore,
  readingShards,
  withOwed,
  forgettingWhenWritten,
  rememberingOwed,
  delivered,
  deliveredTurn,
  withRanges,
  keepingStates,
  countingFailures,
  beginningTooEarly,
  behindDocument,
  behindPage,
  enqueuedAtOnce,
  searchingAnew,
  withoutFollower,
  behind,
  continuationFirst,
} from './breaking.ts';

/** Far fewer than the simulation has: what is wrong shows at once. */
const mostHistories = 1_000;

const breaks: Readonly<Record<string, { readonly breakProtocol: Break; readonly violation: RegExp }>> = {
  'commits without the precondition that the shard is as it was read': {
    breakProtocol: {
      ports: withStore((store) => ({
        async commitTurn(run, before, after, writes) {
          const newest = await store.readTurn(run, after.index);
          return await store.commitTurn(run, newest?.shard ?? before, after, writes);
        },
      })),
    },
    violation: /took effect [2-9] times/,
  },
  'enqueues the continuation before the children': {
    breakProtocol: { ports: (ports) => ({ ...ports, queue: continuationFirst(ports.queue) }) },
    violation: /the child of .* was not started/,
  },
  'does not replay the outbox of a turn that is committed': {
    breakProtocol: { ports: readingShards((shard) => ({ ...shard, outbox: [] })) },
    violation: /the run is running/,
  },
  'ignores the epoch of a delivery': {
    breakProtocol: {
      async turn(delivery, store) {
        const found = await store.readTurn(delivery.run, delivery.shard);
        return { ...delivery, epoch: found?.shard.value.epoch ?? delivery.epoch };
      },
    },
    violation: /a task of epoch \d+ committed a page in epoch \d+/,
  },
  'lets the delivered cursor decide instead of the one in the shard': {
    breakProtocol: {
      ports: withStore((store) => ({ readTurn: deliveredTurn(store) })),
      async turn(delivery) {
        delivered.set(`${delivery.run}/${delivery.shard}`, delivery);
        return delivery;
      },
    },
    violation: /took no effect|took effect [2-9] times/,
  },
  'takes a delivery from the future for one of the present': {
    breakProtocol: {
      async turn(delivery, store) {
        const found = await store.readTurn(delivery.run, delivery.shard);
        return { ...delivery, turn: Math.min(delivery.turn, found?.shard.value.turn ?? delivery.turn) };
      },
    },
    violation: /the run is running/,
  },
  'hands the shard of an exclusive task to whoever comes, whether another holds it or not': {
    breakProtocol: {
      ports: readingShards((shard) => {
        const { heldUntil: _, ...free } = shard;
        return free;
      }),
    },
    violation: /are at work on a shard at the same time/,
  },
  'parks a shard under the delivery that is at work on it': {
    breakProtocol: { ports: withStore(forgettingWhenWritten) },
    violation: /a shard was parked under the handler of its page/,
  },
  'takes each death for three of a document': {
    breakProtocol: {
      ports: withStore((store) => ({
        holdTurn: async (run, before, { suspect, ...after }) =>
          await store.holdTurn(run, before, {
            ...after,
            ...(suspect && { suspect: { ...suspect, attempts: suspect.attempts * 3 } }),
          }),
      })),
    },
    violation: /was set aside after \d+ attempts, and \d+ had it/,
  },
  'gives each delivery of an exclusive task the same token': {
    breakProtocol: {
      ports: withStore((store) => ({
        holdTurn: async (run, before, after) =>
          await store.holdTurn(run, before, { ...after, fencingToken: 1 }),
      })),
    },
    violation: /two deliveries have token 1/,
  },
  'closes ranges on both sides': {
    breakProtocol: { ports: withRanges(({ from, before }) => ({ from, before: behind(before) })) },
    violation: /took effect 2 times/,
  },
  'opens ranges on both sides': {
    breakProtocol: { ports: withRanges(({ from, before }) => ({ from: behind(from), before })) },
    violation: /took no effect/,
  },
  'counts each failure twice': {
    breakProtocol: {
      ports: withStore((store) => ({
        async commitTurn(run, before, after, writes) {
          const isCounted = after.turn === before.value.turn && after.failures > before.value.failures;
          const failures = after.failures + (isCounted ? 1 : 0);
          return await store.commitTurn(run, before, { ...after, failures }, writes);
        },
      })),
    },
    violation: /2 failures were counted, and 1 had happened/,
  },
  'takes no account of a rate when it enqueues': {
    breakProtocol: { ports: enqueuedAtOnce(({ delivery }) => delivery.kind === 'turn') },
    violation: /documents took effect in \d+ ms, at [\d.]+ a second/,
  },
  'prepares a run before its time': {
    breakProtocol: { ports: enqueuedAtOnce(({ delivery }) => delivery.kind === 'prepare') },
    violation: /a run began \d+ ms before its time/,
  },
  'begins children before their time': {
    breakProtocol: { ports: enqueuedAtOnce(({ delivery }) => delivery.kind === 'task') },
    violation: /the child of .* began \d+ ms before its time/,
  },
  'goes on behind all that a page had read when its time was up': {
    breakProtocol: { ports: withStore(behindPage) },
    violation: /took no effect/,
  },
  'stops no handler whose time is up': {
    breakProtocol: {
      ports: (ports) => ({ ...ports, clock: { now: () => ports.clock.now(), after: () => () => {} } }),
    },
    violation: /a handler has 0 ms left, and its signal is not aborted/,
  },
  'goes on behind where a document stands now, instead of where it stood': {
    breakProtocol: { ports: withStore(behindDocument) },
    violation: /took no effect|took effect [2-9] times/,
  },
  'searches for boundaries from the beginning each time': {
    breakProtocol: { ports: withStore(searchingAnew) },
    violation: /the search for boundaries went back from step \d+ to \d+/,
  },
  'forgets the documents that it sets aside': {
    breakProtocol: {
      ports: withStore((store) => ({
        async commitTurn(run, before, after, writes) {
          const kept = writes.filter(({ kind, ref }) => kind !== 'set' || !ref.path.includes('/setAside/'));
          return await store.commitTurn(run, before, after, kept);
        },
      })),
    },
    violation: /are counted as set aside, and 0 are kept/,
  },
  'commits what a callback asks for apart from the word that it was made': {
    breakProtocol: {
      ports: withStore((store) => ({
        async changeRun(run, change, writes = []) {
          const isCallback = writes.some(({ ref }) => ref.path.startsWith('callbacks/'));
          if (isCallback) await store.changeRun(run, () => ({}), writes);
          return await store.changeRun(run, change, isCallback ? [] : writes);
        },
      })),
    },
    violation: /on\w+ was due \d times, and took effect \d+ times/,
  },
  'calls a callback again that has taken effect': {
    breakProtocol: { ports: withStore(rememberingOwed) },
    violation: /on\w+ was called again after it had taken effect/,
  },
  'counts each failure of a callback twice': {
    breakProtocol: {
      ports: withOwed(({ failures, ...owed }, before) =>
        failures === undefined || failures === before.failures ? owed : { ...owed, failures: failures + 1 },
      ),
    },
    violation: /2 failures of on\w+ were counted, and 1 had happened/,
  },
  'gives a callback up when it fails for the first time': {
    breakProtocol: {
      ports: withOwed(({ failures }, before) => (failures === before.failures ? before : undefined)),
    },
    violation: /on\w+ was given up with 1 failures of a budget of [23]/,
  },
  "keeps a shard's state elsewhere than in the page's commit": {
    breakProtocol: { ports: withStore(keepingStates) },
    violation: /the states of the shards hold/,
  },
  'begins the next run before the completion is committed': {
    breakProtocol: { ports: withStore(beginningTooEarly) },
    violation: /repetition \d began while the run before it was completing/,
  },
  'has no run follow a repeated one that completes': {
    breakProtocol: {
      ports: withStore((store) => ({
        changeRun: async (run, change, writes) =>
          await store.changeRun(run, (found) => withoutFollower(change(found)), writes),
      })),
    },
    violation: /is to follow \w+, and is not there/,
  },
  'completes a run before its children have ended': {
    breakProtocol: { ports: withStore(() => ({ openChildren: async () => [] })) },
    violation: /the run completed before the child of .* had ended/,
  },
  'counts a child that has failed each time that it is told of it': {
    breakProtocol: { ports: withStore(countingFailures) },
    violation: /\d+ children count as failed, and \d+ to \d+ have/,
  },
  'does not note which task carries a child on': {
    breakProtocol: { ports: withStore(() => ({ async moveChild() {} })) },
    violation: /the run completed before the child of .* had ended/,
  },
  'blames the document that stands first for the failures of one that is gone': {
    breakProtocol: {
      ports: withStore((store) => ({
        async commitTurn(run, before, after, writes) {
          const { blamed, failures } = after;
          const all = blamed === undefined ? after : { ...after, blamed: { ...blamed, failures } };
          return await store.commitTurn(run, before, all, writes);
        },
      })),
    },
    violation: /was set aside after \d attempts, and \d had it/,
  },
  'asks for the version of a run only when it begins': {
    breakProtocol: {
      ports: withStore((store) => ({
        async readTurn(run, index) {
          const found = await store.readTurn(run, index);
          return (
            found && { ...found, run: { ...found.run, value: { ...found.run.value, versions: [1, 2] } } }
          );
        },
      })),
    },
    violation: /version 2 worked on a run of version 1/,
  },
  'forgets in its pages that a run is dry': {
    breakProtocol: {
      ports: withStore((store) => ({
        async readTurn(run, index) {
          const found = await store.readTurn(run, index);
          if (found === undefined) return found;
          const { isDryRun: _, ...value } = found.run.value;
          return { ...found, run: { ...found.run, value } };
        },
      })),
    },
    violation: /a dry run left \d+ effects behind/,
  },
};

describe('the simulation catches a protocol that', () => {
  test.each(Object.entries(breaks))('%s', { timeout: 600_000 }, async (_, { breakProtocol, violation }) => {
    const found = new Set<string>();
    for (let seed = 1; seed <= mostHistories && ![...found].some((text) => violation.test(text)); seed += 1) {
      for (const text of violationsOf(await runHistory(seed, breakProtocol))) found.add(text);
    }
    expect([...found].join('\n')).toMatch(violation);
  });
});
