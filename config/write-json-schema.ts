/** `node config/write-json-schema.ts` writes emulator.config.schema.json anew, after a change of config/schema.ts. */
import { writeFileSync } from 'node:fs';
import { emulatorConfigJsonSchema } from './json-schema.ts';

const file = new URL('../emulator.config.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(emulatorConfigJsonSchema(), null, 2)}\n`);
