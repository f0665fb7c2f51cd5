#!/usr/bin/env node
import { existsSync } from 'node:fs';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`pageturner: it needs Node 24 or newer, and this is Node ${process.versions.node}.`);
  console.error('Install a newer Node, or add one to the project: npm install --save-dev node@24');
  process.exit(1);
}

// A checkout has no build: Node runs the source. The published package has no source.
const isCheckout = existsSync(new URL('../cli/main.ts', import.meta.url));
await import(isCheckout ? '../cli/main.ts' : '../dist/cli/main.js');
