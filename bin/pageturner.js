#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`pageturner: it needs Node 24 or newer, and this is Node ${process.versions.node}.`);
  console.error('Install a newer Node, or add one to the project: npm install --save-dev node@24');
  process.exit(1);
}

// Compiled code, and TypeScript without its types, is kept in the temporary folder: it halves every start but the first.
module.enableCompileCache();

// A checkout has no build: Node runs the source. The published package has no source.
const isCheckout = existsSync(new URL('../cli/main.ts', import.meta.url));
await import(isCheckout ? '../cli/main.ts' : '../dist/cli/main.js');
