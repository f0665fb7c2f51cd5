import { expect, test } from 'vitest';
import { join } from 'node:path';
import { startEmulator } from '../../emulator/index.ts';
import { serve } from '../emulator/web-server.ts';
import { startCli } from '../support/cli.ts';
import { configFile, temporaryFolder } from '../support/config-file.ts';

const queue = 'projects/demo-p/locations/us-central1/queues/mail';
const ENOUGH = 60;
const CREATORS = 8;

test.each(['SIGTERM', 'SIGINT'] as const)(
  'an emulator that is ended with %s while tasks are created and delivered says so, and has lost none of them',
  async (signal) => {
    const { promise: isEnough, resolve: enough } = Promise.withResolvers<void>();
    // Each tenth delivery is still out when the end comes.
    const target = await serve((response, { path }) => {
      if (!path.endsWith('0')) response.end();
      if (target.requests.length === ENOUGH) enough();
    });
    const data = join(temporaryFolder(), 'tasks.db');
    const config = configFile({ project: 'demo-p', location: 'us-central1', queues: [{ name: 'mail' }] });
    const cli = startCli(['emulator', '--json', '--port', '0', '--config', config, '--data', data]);
    const { url } = JSON.parse(await cli.line(/"ready"/)) as { url: string };
    const acknowledged: string[] = [];
    let created = 0;
    const creators = Array.from({ length: CREATORS }, async () => {
      for (;;) {
        created += 1;
        const id = `t${created}`;
        const task = { name: `${queue}/tasks/${id}`, httpRequest: { url: `${target.url}/${id}` } };
        const body = JSON.stringify({ task });
        const answer = await fetch(`${url}/v2/${queue}/tasks`, { method: 'POST', body }).catch(
          () => undefined,
        );
        // Either it is answered, and well, or there is no answer at all.
        if (answer === undefined) return;
        expect(answer.status).toBe(200);
        acknowledged.push(id);
      }
    });
    await isEnough;
    cli.process.kill(signal);
    const { status, stdout, stderr } = await cli.ended;
    await Promise.all(creators);
    expect(stderr).toMatch(/^Warning: [^\n]*\n$|^$/);
    expect({ status, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({
      status: 0,
      last: '{"event":"ended"}',
    });

    await using next = await startEmulator({ dataFile: data, clock: 'virtual' });
    const kept = next.snapshot().tasks.map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
    const known = new Set([...kept, ...target.requests.map(({ path }) => path.slice(1))]);
    expect(acknowledged.filter((id) => !known.has(id))).toEqual([]);
    expect(kept).toEqual(expect.arrayContaining(acknowledged.filter((id) => id.endsWith('0'))));
  },
);
