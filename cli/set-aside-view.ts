import type { RunSummary, SetAsideDocument, SetAsideDocuments } from '../lib/index.ts';
import { cut, errorText } from './error-text.ts';
import { paint, print } from './output.ts';

/** How many documents are shown to people. */
export const mostShown = 10;

/** A longer reason hides the others. */
const longestLine = 300;

/** The documents that a run has set aside, why, and how they are taken again. */
export function printSetAside(run: RunSummary, { documents, hasMore }: SetAsideDocuments): void {
  if (documents.length === 0) return;
  print();
  print(paint('yellow', 'Set aside:'));
  for (const document of documents) print(`  ${lineOf(document)}`);
  if (hasMore) print(`  and ${Math.max(1, run.quarantined - documents.length)} more`);
  const command = `pageturner runs retry ${run.id}`;
  if (run.state === 'completed' || run.state === 'failed') print(`Take them again with: ${command}`);
  else if (run.state !== 'canceled' && run.state !== 'canceling')
    print(`When it has ended, take them again with: ${command}`);
}

function lineOf({ path, reason, attempts }: SetAsideDocument): string {
  const tried = attempts === 0 ? 'by its handler' : attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return `${cut(errorText({ message: reason, document: path }), longestLine)} (${tried})`;
}
