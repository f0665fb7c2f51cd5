import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { portError, portUses } from './ports.ts';

/** A mail as it arrived; its body is not kept. */
export interface ReceivedMail {
  readonly messageId: string;
  readonly to: readonly string[];
}

/** An SMTP server that takes every mail, delivers none, and counts them. */
export interface MailSink extends AsyncDisposable {
  readonly port: number;
  /** In the form that `SMTP_URL` takes. */
  readonly url: string;
  /** Mails that have arrived. */
  readonly received: number;
  /** How many different Message-IDs they had. */
  readonly distinct: number;
  /** Calls the listener for each mail that arrives from now on; what is returned ends that. */
  observe(listener: (mail: ReceivedMail) => void): () => void;
  close(): Promise<void>;
}

/**
 * Starts the mail sink on loopback.
 *
 * @param port 0 takes any that is free
 * @throws CliError `port-in-use`
 */
export async function startMailSink({ port }: { readonly port: number }): Promise<MailSink> {
  const messageIds = new Set<string>();
  const listeners = new Set<(mail: ReceivedMail) => void>();
  let received = 0;
  const server = new SMTPServer({
    // Nothing leaves this machine, so there is nobody to hide from.
    disabledCommands: ['AUTH', 'STARTTLS'],
    closeTimeout: 100,
    onData(stream, session, answer) {
      void readMessageId(stream).then((messageId) => {
        received++;
        messageIds.add(messageId);
        const mail = { messageId, to: session.envelope.rcptTo.map(({ address }) => address) };
        for (const listener of listeners) listener(mail);
        return answer();
      }, answer);
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  const socket = server.listen(port, '127.0.0.1', resolve);
  try {
    await promise;
  } catch (error) {
    throw portError(error, portUses.smtp(port));
  }
  // A client that breaks off in the middle of a mail is its own problem.
  server.on('error', () => {});
  const bound = (socket.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= new Promise((closed) => server.close(closed)));
  return {
    port: bound,
    url: `smtp://127.0.0.1:${bound}`,
    get received() {
      return received;
    },
    get distinct() {
      return messageIds.size;
    },
    observe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Reads the mail to its end, and keeps no more of it than the head's one line. */
async function readMessageId(stream: SMTPServerDataStream): Promise<string> {
  let head = '';
  let isInHead = true;
  for await (const chunk of stream.setEncoding('latin1') as AsyncIterable<string>) {
    if (!isInHead) continue;
    head += chunk;
    isInHead = !head.includes('\r\n\r\n');
  }
  // A long header may go on in the next line, after white space.
  return /^message-id:\s*(\S+)/im.exec(head)?.[1] ?? '';
}
