import { beforeEach, expect, test } from 'vitest';
import { duplicatesReport } from '../../../functions/model/duplicates-report.ts';
import { proposals, type Proposal } from '../../../functions/model/proposal.ts';
import { findDuplicateProposals } from '../../../functions/workers/find-duplicate-proposals.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { takeAll, takeLast } from '../../support/runs.ts';
import { testPorts, type TestPorts } from '../../support/test-runtime.ts';

let ports: TestPorts;

beforeEach(() => {
  ports = testPorts(testFirestore());
});

async function put(
  entries: readonly (readonly [string, string, Proposal['state'], string?])[],
): Promise<void> {
  const batch = ports.store.db.batch();
  for (const [student, organization, state, program = 'gsoc2026'] of entries)
    batch.set(proposals(ports.store.db).doc(), { program, student, organization, state });
  await batch.commit();
}

async function search(): Promise<string> {
  const started = await startOn(
    ports,
    findDuplicateProposals,
    { program: 'gsoc2026' },
    { startedBy: 'test' },
  );
  await takeAll(findDuplicateProposals, ports);
  return 'runId' in started ? started.runId : expect.fail('no run');
}

async function report(): Promise<unknown> {
  return (await duplicatesReport(ports.store.db, 'gsoc2026').get()).data();
}

test('students whom several organizations accept are reported, from whatever shards their proposals are in', async () => {
  const once = Array.from({ length: 40 }, (_, n) => [`student${n}`, `org${n % 7}`, 'accepted'] as const);
  await put(once);
  await put([
    ['student3', 'org0', 'accepted'],
    ['student3', 'org5', 'accepted'],
    ['student9', 'org6', 'accepted'],
    // Neither of these is accepted twice in this program, nor one who is accepted twice by the same organization.
    ['student11', 'org0', 'pending'],
    ['student12', 'org0', 'accepted', 'gsoc2025'],
    ['student14', 'org0', 'accepted'],
  ]);
  const run = await search();
  expect((await ports.store.getRun(run))?.shards.map(({ processed }) => processed > 0)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(await report()).toEqual({
    state: 'found',
    run,
    proposals: 44,
    duplicates: [
      { student: 'student3', organizations: ['org0', 'org3', 'org5'] },
      { student: 'student9', organizations: ['org2', 'org6'] },
    ],
    at: expect.any(Date),
  });
});

test('a program without proposals has a report without duplicates', async () => {
  const run = await search();
  expect(await report()).toMatchObject({ state: 'found', run, proposals: 0, duplicates: [] });
});

test('a search that fails says why in its report', async () => {
  await ports.store.db.doc('proposals/bad').set({ program: 'gsoc2026', state: 'accepted', student: 7 });
  const run = await search();
  expect(await report()).toEqual({ state: 'searching', run });
  let outcome = '';
  while (outcome !== 'called') {
    outcome = await takeLast(findDuplicateProposals, ports).catch(({ message }: Error) => message);
  }
  expect(await report()).toMatchObject({
    state: 'failed',
    run,
    reason: expect.stringContaining('Document proposals/bad does not fit its schema'),
  });
});
