import { createTransport, type Transporter } from 'nodemailer';
import type { MailContent } from './model/mail.ts';

/** The mail server will never take this mail: trying again is of no use. */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError';
}

let transport: Transporter | undefined;

/**
 * Hands a mail to the SMTP server that `SMTP_URL` names, from the address in `MAIL_FROM`. The mail's id becomes its Message-ID, so
 * that a mail that is sent twice, because the first answer was lost, can be told as one and the same.
 *
 * @returns the Message-ID
 * @throws MailRefusedError when the server refuses the mail for good (its answer is 5xx)
 * @throws Error when the server cannot be reached or asks to come again
 */
export async function sendMessage(mailId: string, { to, subject, text }: MailContent): Promise<string> {
  const messageId = `<${mailId}@pageturner.example>`;
  const from = process.env['MAIL_FROM'] ?? 'Pageturner <noreply@pageturner.example>';
  try {
    transport ??= createTransport({ url: smtpUrl(), pool: true });
    await transport.sendMail({ messageId, from, to, subject, text });
    return messageId;
  } catch (error) {
    const { responseCode, message } = error as Error & { responseCode?: number };
    if (responseCode !== undefined && responseCode >= 500)
      throw new MailRefusedError(message, { cause: error });
    throw error;
  }
}

function smtpUrl(): string {
  const url = process.env['SMTP_URL'];
  if (url) return url;
  throw new Error('SMTP_URL is not set: give the mail server, such as smtp://127.0.0.1:1025.');
}
