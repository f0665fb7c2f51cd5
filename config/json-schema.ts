import { z } from 'zod';
import { emulatorConfigSchema } from './schema.ts';

/** A JSON schema as far as this project reads one itself. */
export interface JsonSchema {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** The schema that editors use for `emulator.config.json`; `emulator.config.schema.json` holds it. */
export function emulatorConfigJsonSchema(): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(emulatorConfigSchema, { io: 'input' });
  return { $schema, title: 'Pageturner emulator configuration', ...rest } as JsonSchema;
}
