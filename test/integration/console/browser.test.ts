import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { serve } from '../../emulator/web-server.ts';
import { callRest } from '../emulator/call-rest.ts';

const browserPath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

const emulator = await emulatorForTests({
  clock: 'virtual',
  seed: 1,
  queues: [
    { name: 'mail', retryConfig: { maxAttempts: 2, minBackoff: '10s', maxBackoff: '10s' } },
    { name: 'pages' },
  ],
});
const location = 'projects/demo-pageturner/locations/us-central1';
const mail = `${location}/queues/mail`;
const run = '00112233445566778899';

async function create(
  url: string,
  id: string,
  { queue = mail, body = '{}', headers = {}, seconds = 0 } = {},
): Promise<string> {
  const name = `${queue}/tasks/${id}`;
  const scheduleTime = new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
  const httpRequest = { url, headers, body: Buffer.from(body).toString('base64') };
  const reply = await callRest(emulator, 'POST', `/v2/${queue}/tasks`, {
    task: { name, scheduleTime, httpRequest },
  });
  expect(reply.status).toBe(200);
  return name;
}

const of = encodeURIComponent;

async function stateOfMail(): Promise<unknown> {
  return ((await callRest(emulator, 'GET', `/v2/${mail}`)).body as { state: string }).state;
}

describe.skipIf(browserPath === undefined)(
  `in Chromium${browserPath === undefined ? ' (skipped: no chromium, chromium-browser or google-chrome is on the PATH)' : ''}`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({
        executablePath: browserPath ?? '',
        // Its sandbox does not start for root, as whom containers run.
        chromiumSandbox: process.getuid?.() !== 0,
      });
    });
    afterAll(async () => await browser.close());

    /** Opens a view; any error of the page and any request that leaves the emulator fails the test. */
    async function visit(
      view: string,
      use: (page: Page) => Promise<void>,
      options: BrowserContextOptions = {},
    ): Promise<void> {
      await using context = await browser.newContext({ locale: 'en-GB', ...options });
      // The runner's own limit ends what never comes.
      context.setDefaultTimeout(0);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', ({ message }) => faults.push(message));
      page.on('console', (entry) => {
        if (entry.type() === 'error') faults.push(entry.text());
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(`${emulator.url}/`)) faults.push(`request to ${request.url()}`);
      });
      await page.goto(`${emulator.url}/console/#/${view}`);
      await page.getByText('live', { exact: true }).waitFor();
      await use(page);
      expect(faults).toEqual([]);
    }

    /** Goes to a view of the page that is open, and waits for its content. */
    async function show(page: Page, view: string): Promise<void> {
      const hash = JSON.stringify(`#/${view}`);
      await page.evaluate(`location.hash = ${hash}`);
      await page.locator(`main[data-view=${hash}] h1`).waitFor();
    }

    test('a queue is paused and resumed by the keyboard, and the page follows without being loaded again', async () => {
      await visit('queues', async (page) => {
        const row = page.getByRole('row', { name: /^mail/ });
        await row.getByText('running').waitFor();
        await page.getByRole('button', { name: 'Pause mail' }).focus();
        await page.keyboard.press('Enter');
        await row.getByText('paused').waitFor();
        expect(await stateOfMail()).toBe('PAUSED');
        await callRest(emulator, 'POST', `/v2/${mail}:resume`, {});
        await row.getByText('running').waitFor();
        await page.getByRole('button', { name: 'Pause mail' }).waitFor();
      });
    });

    test('tasks come up as they are created, and what has the focus keeps it', async () => {
      await create('http://127.0.0.1:9/', 'b', { seconds: 60 });
      await visit(`queue/${of(mail)}`, async (page) => {
        const button = page.getByRole('button', { name: 'Delete b', exact: true });
        await button.focus();
        await create('http://127.0.0.1:9/', 'c', { seconds: 60 });
        await page.getByRole('link', { name: 'c', exact: true }).waitFor();
        expect(await button.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(
          true,
        );
        await callRest(emulator, 'DELETE', `/v2/${mail}/tasks/c`);
        await page.getByRole('link', { name: 'c', exact: true }).waitFor({ state: 'detached' });
        expect(await button.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(
          true,
        );
      });
    });

    test('a task is deleted and a queue purged only after the question is answered with yes', async () => {
      await create('http://127.0.0.1:9/', 'a', { seconds: 60 });
      await create('http://127.0.0.1:9/', 'b', { seconds: 60 });
      await visit(`queue/${of(mail)}`, async (page) => {
        await page.getByRole('button', { name: 'Delete a' }).click();
        await page.getByRole('dialog', { name: 'Delete a?' }).getByRole('button', { name: 'Keep' }).click();
        await page.getByRole('button', { name: 'Delete a' }).click();
        await page.keyboard.press('Escape');
        await page.getByRole('link', { name: 'a', exact: true }).waitFor();
        await page.getByRole('button', { name: 'Delete a' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
        await page.getByText('Deleted.').waitFor();
        await page.getByRole('link', { name: 'a', exact: true }).waitFor({ state: 'detached' });
        await page.getByRole('button', { name: 'Purge mail' }).click();
        await page
          .getByRole('dialog', { name: /^Purge mail\?/ })
          .getByRole('button', { name: 'Purge' })
          .click();
        await page.getByText('No such task is in the queue.').waitFor();
      });
    });

    test('tasks are found by state and by a part of the id', async () => {
      for (const id of ['apple', 'pear', 'pineapple'])
        await create('http://127.0.0.1:9/', id, { seconds: 60 });
      await visit(`queue/${of(mail)}`, async (page) => {
        await page.getByLabel('Id has').fill('apple');
        await page.keyboard.press('Enter');
        await page.getByRole('link', { name: 'pear', exact: true }).waitFor({ state: 'detached' });
        expect(await page.locator('tbody a').allTextContents()).toEqual(['apple', 'pineapple']);
        await page.getByLabel('Tasks', { exact: true }).and(page.locator('select')).selectOption('out');
        await page.getByText('No task of that id.').waitFor();
      });
    });

    test('a task that fails is retried at a press, dies, and is enqueued again from the graveyard', async () => {
      const target = await serve((response) => response.writeHead(503).end('{"why":"full"}'));
      const name = await create(target.url, 'a');
      await emulator.settled();
      await visit(`task/${of(name)}`, async (page) => {
        await page.getByRole('heading', { name: 'Attempt 1 HTTP 503' }).waitFor();
        await page.getByRole('button', { name: 'Retry a now' }).click();
        await page.getByRole('heading', { name: 'Attempt 2 HTTP 503' }).waitFor();
        await page.getByText('the last one: the task was given up').waitFor();
        await page.getByRole('link', { name: 'Graveyard' }).click();
        await page.getByRole('cell', { name: 'UNAVAILABLE(14): HTTP status code 503' }).waitFor();
        await page.getByRole('button', { name: 'Enqueue a again' }).click();
        await page.getByText('No task has run out of attempts.').waitFor();
        await emulator.settled();
        expect(target.requests).toHaveLength(3);
      });
    });

    test('what a task and its target say is shown as text, whatever it looks like', async () => {
      const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
      const target = await serve((response) => response.writeHead(200, { 'X-Answer': attack }).end(attack));
      const name = await create(target.url, 'a', {
        body: JSON.stringify({ attack }),
        headers: { 'X-Own': attack },
      });
      await emulator.idle();
      await visit(`task/${of(name)}`, async (page) => {
        await page.getByRole('heading', { name: 'Attempt 1' }).waitFor();
        expect(await page.getByLabel('Payload of the task').textContent()).toBe(
          JSON.stringify({ attack }, null, 2),
        );
        expect(await page.getByLabel('Body of response', { exact: true }).textContent()).toBe(attack);
        expect(await page.locator('main img, main script').count()).toBe(0);
        expect(await page.title()).toBe('a · Cloud Tasks emulator');
      });
    });

    test('a run is shown page by page, with its gaps, and saved as text', async () => {
      const target = await serve();
      const queue = `${location}/queues/pages`;
      for (const turn of [0, 1, 3])
        await create(target.url, `0123456789abcdef-${run}-0-${turn}-0`, {
          queue,
          body: `{"cursor":["s/${turn}"]}`,
        });
      await emulator.idle();
      await visit('chains', async (page) => {
        await page.getByRole('link', { name: run }).click();
        await page.getByText('Page 2: missing, though later ones are there').waitFor();
        expect(await page.locator('.chain .step a').allTextContents()).toEqual([
          'page 0',
          'page 1',
          'page 3',
        ]);
        await page.getByText('["s/3"]').waitFor();
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('link', { name: 'Save as text' }).click(),
        ]);
        expect(download.suggestedFilename()).toBe(`chain-${run}.txt`);
      });
    });

    test('the page comes back by itself after the emulator was ended and started again, with something else at its port meanwhile', async () => {
      await using context = await browser.newContext();
      context.setDefaultTimeout(0);
      const page = await context.newPage();
      const first = await startEmulator({ queues: [{ name: 'before' }] });
      const { port } = first;
      await page.goto(`${first.url}/console/`);
      await page.getByText('live', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'before' }).waitFor();
      await first.close();
      await page.getByText('not connected').waitFor();

      const other = createServer((_, response) => response.writeHead(404).end()).listen(port, '127.0.0.1');
      await once(other, 'request');
      other.closeAllConnections();
      await once(other.close(), 'close');

      await using second = await startEmulator({ port, queues: [{ name: 'after' }] });
      await page.getByText('live', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'after' }).waitFor();
      expect(await page.getByRole('link', { name: 'before' }).count()).toBe(0);
      expect(second.port).toBe(port);
    });

    test('it fits a phone and goes dark with it', async () => {
      const target = await serve((response) => response.writeHead(500).end());
      const name = await create(target.url, `0123456789abcdef-${run}-0-0-0`, { body: '{"cursor":null}' });
      await emulator.settled();
      const views = [
        'queues',
        `queue/${of(mail)}`,
        `task/${of(name)}`,
        'chains',
        `chain/${run}`,
        'graveyard',
      ];
      await visit(
        'queues',
        async (page) => {
          for (const view of views) {
            await show(page, view);
            const { width, ground } = await page.evaluate<{ width: number; ground: string }>(
              `({ width: document.documentElement.scrollWidth, ground: getComputedStyle(document.body).backgroundColor })`,
            );
            expect(`${view} ${width}`).toBe(`${view} 360`);
            expect(ground).toBe('rgb(20, 21, 23)');
          }
        },
        { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
      );
    });

    test('everything that can be pressed or filled in has a name of its own', async () => {
      const target = await serve((response) => response.writeHead(500).end());
      const name = await create(target.url, 'a');
      await create(target.url, 'b', { seconds: 60 });
      await emulator.settled();
      await visit('graveyard', async (page) => {
        for (const view of ['queues', `queue/${of(mail)}`, `task/${of(name)}`]) {
          await show(page, view);
          const controls = await page.locator('button:visible, input, select, main a').all();
          const names = await Promise.all(controls.map(async (each) => await each.ariaSnapshot()));
          expect(names.length).toBeGreaterThan(2);
          for (const each of names) expect(each).toMatch(/^- (button|link|searchbox|combobox) "[^"]+"/);
          expect(new Set(names).size).toBe(names.length);
        }
      });
    });
  },
);
