import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './cli.ts';
import { configFile, temporaryFolder } from './config-file.ts';

/** A project of somebody else's, with one module that registers its functions. */
export interface OtherProject {
  readonly folder: string;
  readonly entry: string;
  /** Writes that module anew. */
  readonly write: (source: string) => void;
}

export function otherProject(source: string): OtherProject {
  const folder = temporaryFolder();
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'source'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', main: 'source/index.js' }));
  configFile({}, folder);
  const entry = join(folder, 'source', 'index.js');
  const write = (text: string): void => writeFileSync(entry, text);
  write(source);
  return { folder, entry, write };
}

/** One function, `hello`, that answers a text. */
export function sourceOf(answer: string): string {
  return `import { http } from '@google-cloud/functions-framework';
http('hello', (request, response) => response.send(${JSON.stringify(answer)}));
`;
}
