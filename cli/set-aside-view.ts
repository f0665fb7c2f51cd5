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
  // The run may count less than there are for a moment: it is read before them.
  const all = Math.max(documents.length + 1, run.quarantined);
  print(paint('yellow', hasMore ? `Set aside, ${documents.length} of ${all}:` : 'Set aside:'));
  for (const document of documents) print(`  ${lineOf(document)}`);
  const command = `pageturner runs retry ${run.id}`;
  if (run.state === 'completed' || run.state === 'failed') print(`Take them again with: ${command}`);
  else if (run.state !== 'canceled' && run.state !== 'canceling')
    print(`When it has ended, take them again with: ${command}`);
}

function lineOf({ path, reason, attempts }: SetAsideDocument): string {
  const tried = attempts === 0 ? 'by its handler' : attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return `${cut(errorText({ message: reason, document: path }), longestLine)} (${tried})`;
}
