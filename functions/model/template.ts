import { z } from 'zod';
import type { MailContent } from './mail.ts';
import type { Student } from './student.ts';

/** The mails that can be written to students. */
export const templateSchema: z.ZodEnum<{ welcome: 'welcome'; reminder: 'reminder' }> = z.enum([
  'welcome',
  'reminder',
]);

export type Template = z.infer<typeof templateSchema>;

const subjects: Readonly<Record<Template, (student: Student) => string>> = {
  welcome: ({ program }) => `Welcome to ${program}`,
  reminder: ({ program }) => `A reminder from ${program}`,
};

const texts: Readonly<Record<Template, (student: Student) => string>> = {
  welcome: ({ program, university }) =>
    `You take part in ${program}. We are glad to have somebody of ${university} with us.`,
  reminder: ({ program }) => `Something in ${program} waits for you. Please have a look.`,
};

export function render(template: Template, student: Student): MailContent {
  return {
    to: student.email,
    subject: subjects[template](student),
    text: `Dear ${student.name},\n\n${texts[template](student)}\n`,
  };
}
