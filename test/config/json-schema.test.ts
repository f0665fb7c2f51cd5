import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { emulatorConfigJsonSchema } from '../../config/json-schema.ts';

it('is what emulator.config.schema.json holds; if not, run `node config/write-json-schema.ts`', () => {
  const published: unknown = JSON.parse(readFileSync('emulator.config.schema.json', 'utf8'));
  expect(published).toEqual(emulatorConfigJsonSchema());
});
