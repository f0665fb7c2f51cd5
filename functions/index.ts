/** What is deployed: each function under its name. */
import { http, type HttpFunction } from '@google-cloud/functions-framework';
import { controls, healer, worker } from '../lib/index.ts';
import { startEmailStudents } from './starters/email-students.ts';
import { startFindDuplicateProposals } from './starters/find-duplicate-proposals.ts';
import { emailStudents } from './workers/email-students.ts';
import { findDuplicateProposals } from './workers/find-duplicate-proposals.ts';
import { sendMail } from './workers/send-mail.ts';

export const functions: Readonly<Record<string, HttpFunction>> = {
  'start-email-students': startEmailStudents,
  'email-students': worker(emailStudents),
  'start-find-duplicate-proposals': startFindDuplicateProposals,
  'find-duplicate-proposals': worker(findDuplicateProposals),
  'send-mail': worker(sendMail),
  heal: healer(),
  runs: controls(),
};

for (const [name, handler] of Object.entries(functions)) http(name, handler);
