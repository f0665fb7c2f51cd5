import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../../lib/index.ts';
import { mails } from '../model/mail.ts';
import { students, type Student } from '../model/student.ts';
import { render, templateSchema } from '../model/template.ts';
import { sendMail } from './send-mail.ts';

type Params = z.ZodObject<
  { program: z.ZodString; template: z.ZodDefault<typeof templateSchema> },
  z.core.$strict
>;

/** Writes a mail to every student of a program, and starts its sending: both take effect together, once a student. */
export const emailStudents: IterativeTask<Params, Student> = iterativeTask({
  name: 'email-students',
  queue: 'iterate',
  // Strict, so that `tempalte=reminder` is refused rather than that everybody is welcomed.
  params: z.strictObject({ program: z.string().min(1), template: templateSchema.default('welcome') }),
  query: ({ program }, db) => students(db).where('program', '==', program),
  page(page, ctx) {
    for (const student of page) {
      const mail = mails(ctx.db).doc(`${ctx.runId}-${student.id}`);
      ctx.set(mail, { state: 'waiting', ...render(ctx.params.template, student.data()) });
      ctx.start(sendMail, { mail: mail.id });
    }
  },
});
