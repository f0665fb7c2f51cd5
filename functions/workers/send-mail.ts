import { z } from 'zod';
import { FatalTaskError, task, terminateTask, type OneShotTask } from '../../lib/index.ts';
import { MailRefusedError, sendMessage } from '../mailer.ts';
import { mails } from '../model/mail.ts';

/** Sends one stored mail and records it. */
export const sendMail: OneShotTask<z.ZodObject<{ mail: z.ZodString }>> = task({
  name: 'send-mail',
  queue: 'mail',
  params: z.object({ mail: z.string().min(1) }),
  async run({ mail: id }, ctx) {
    const ref = mails(ctx.db).doc(id);
    const mail = (await ref.get()).data();
    if (!mail) throw new FatalTaskError(`There is no mail ${id}.`);
    if (mail.state !== 'waiting') return terminateTask(`The mail is ${mail.state} already.`);
    try {
      const messageId = await sendMessage(id, mail);
      await ref.update({ state: 'sent', messageId, sentAt: new Date() });
      return undefined;
    } catch (error) {
      if (!(error instanceof MailRefusedError)) throw error;
      await ref.update({ state: 'refused', reason: error.message });
      throw new FatalTaskError(`The mail server refuses mail ${id}: ${error.message}`, { cause: error });
    }
  },
});
