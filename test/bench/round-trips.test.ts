import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { roundTrips, type Calls } from '../../bench/round-trips.ts';

test('a page costs one read of run and shard, one query, one commit and one enqueue; docs/costs.md names each call of a run', async () => {
  const counted = await roundTrips();
  expect(counted.page).toEqual({ BatchGetDocuments: 1, RunQuery: 1, Commit: 1, CreateTask: 1 });
  expect(counted.exclusive).toEqual({ Commit: 1 });
  expect(counted.child).toEqual({ CreateTask: 1 });
  const told = await toldCalls();
  expect({
    run: told('a run'),
    page: told('a page'),
    exclusive: told('exclusive'),
    lastChildren: told('last children'),
    child: told('a child'),
  }).toEqual(counted);
});

/** The columns of the table of calls in docs/costs.md. */
async function toldCalls(): Promise<(column: string) => Calls> {
  const page = await readFile(new URL('../../docs/costs.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const start = rows.findIndex(([first]) => first === 'call');
  const [heads = [], , ...rest] = rows.slice(start);
  const calls = rest.slice(
    0,
    rest.findIndex(([first]) => !/^`[A-Z]\w+`$/.test(first ?? '')),
  );
  return (column) => {
    const place = heads.findIndex((head) => head === column);
    const cells = calls.map((row) => [(row[0] ?? '').replaceAll('`', ''), Number(row[place])] as const);
    return Object.fromEntries(cells.filter(([, count]) => count !== 0));
  };
}
