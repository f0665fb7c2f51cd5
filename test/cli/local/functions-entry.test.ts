import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { functionsEntry } from '../../../cli/local/functions-entry.ts';
import { temporaryFolder } from '../../support/config-file.ts';

function project(manifest: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'package.json'), manifest);
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'index.js'), '');
  return folder;
}

test('the main of package.json is the module that registers the functions', async () => {
  const folder = project('{"main": "dist/index.js"}');
  expect(await functionsEntry(folder)).toBe(join(folder, 'dist/index.js'));
});

test.each([
  [
    'that is not JSON',
    '{"main": "dist/index.js",}',
    /package\.json is not JSON: line 1, column 26: .+\.$/,
    /^Mend/,
  ],
  ['without a main', '{}', /package\.json names no "main"\.$/, /^Run this in the folder/],
  ['that is null', 'null', /package\.json names no "main"\.$/, /^Run this in the folder/],
  [
    'whose main is a folder',
    '{"main": "dist"}',
    /names "dist" as its "main", which is no file\.$/,
    /in full, such as/,
  ],
  [
    'whose main is not there',
    '{"main": "no.js"}',
    /names "no\.js" as its "main", which is not there\.$/,
    /in full/,
  ],
])('a package.json %s is told so', async (_, manifest, message, nextStep) => {
  await expect(functionsEntry(project(manifest))).rejects.toMatchObject({
    code: 'config',
    message: expect.stringMatching(message),
    nextStep: expect.stringMatching(nextStep),
  });
});
