import type { Firestore, Query } from '@google-cloud/firestore';
import type { IterativeTask } from './core/definition.ts';
import { PageturnerError } from './core/errors.ts';

/**
 * The query that a run walks over.
 *
 * @throws PageturnerError `invalid-query` when the definition gives none, as by a forgotten `return`; and what it throws.
 */
export function queryOf(task: IterativeTask, params: unknown, db: Firestore): Query {
  const given: unknown = task.query(params, db);
  if (isQuery(given)) return given;
  throw new PageturnerError(
    'invalid-query',
    `query of task "${task.name}" returned ${nameOf(given)}: return a Firestore query, such as db.collection('students').`,
  );
}

/** The class itself may be that of another copy of the client. */
function isQuery(given: unknown): given is Query {
  return typeof (given as Partial<Query> | null | undefined)?.where === 'function';
}

function nameOf(given: unknown): string {
  if (given === undefined || given === null) return String(given);
  return given instanceof Promise ? 'a promise' : `something of type ${typeof given}`;
}
