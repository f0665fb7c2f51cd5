import type { HttpFunction } from '@google-cloud/functions-framework';
import { starter } from '../../lib/index.ts';
import { findDuplicateProposals } from '../workers/find-duplicate-proposals.ts';

/** `POST {"program": "gsoc2026"}` looks for students whom several organizations are to accept, one search a program at a time. */
export const startFindDuplicateProposals: HttpFunction = starter(findDuplicateProposals, {
  key: ({ program }) => program,
});
