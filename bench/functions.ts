import { http, type HttpFunction } from '@google-cloud/functions-framework';
import { worker } from '../lib/index.ts';
import { walks } from './walk.ts';

/** What the functions server serves: the workers of the bench. */
export const functions: Readonly<Record<string, HttpFunction>> = Object.fromEntries(
  walks.map((walk) => [walk.name, worker(walk)]),
);

for (const [name, handler] of Object.entries(functions)) http(name, handler);
