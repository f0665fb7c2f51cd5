import { readFile } from 'node:fs/promises';

interface Asset {
  readonly type: string;
  readonly text: string;
}

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'dom.js': 'text/javascript; charset=utf-8',
  'queues.js': 'text/javascript; charset=utf-8',
  'task.js': 'text/javascript; charset=utf-8',
  'chains.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

/** The console's page and what it loads, by file name; nothing else is ever read. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const folder = new URL('assets/', import.meta.url);
  const assets = Object.entries(TYPES).map(
    async ([name, type]) => [name, { type, text: await readFile(new URL(name, folder), 'utf8') }] as const,
  );
  return new Map(await Promise.all(assets));
}

/** For everything of the console: it loads nothing from elsewhere, runs no inline code, and stands in no other page's frame. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
