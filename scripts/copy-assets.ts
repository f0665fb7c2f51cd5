/** Puts what the build does not compile beside what it does: the console's page, styles and modules, which run as they are. */
import { cpSync } from 'node:fs';

const assets = 'emulator/console/assets';

cpSync(new URL(`../${assets}`, import.meta.url), new URL(`../dist/${assets}`, import.meta.url), {
  recursive: true,
});
