import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { ServiceName } from '../../config/schema.ts';
import { CliError } from '../error.ts';

/** What a port is for, to name it where it is taken. */
export interface PortUse {
  readonly port: number;
  /** Who wants the port, such as `the Firestore emulator`. */
  readonly service: string;
  /** Where the port is set, such as `ports.firestore in emulator.config.json`. */
  readonly setting: string;
}

const use =
  (service: string, setting: string) =>
  (port: number): PortUse => ({ port, service, setting });

const inFile = ' in emulator.config.json';

/** What the local stack wants ports for. */
export const portUses: Readonly<Record<ServiceName, (port: number) => PortUse>> = {
  tasks: use('the Cloud Tasks emulator', `ports.tasks${inFile}`),
  firestore: use('the Firestore emulator', `ports.firestore${inFile}`),
  functions: use('the functions', `ports.functions${inFile}`),
  smtp: use('the SMTP server', `ports.smtp${inFile}`),
};

/**
 * Where a free port is looked for: below the ports that Linux, macOS and Windows give to whoever asks for any, so that no connection
 * takes it before the process that it is for, a second later, listens there.
 */
const searched = { from: 20_000, before: 32_000 };
const mostTries = 50;

/**
 * A port on loopback that is free now: the one asked for, or any where 0 is asked for.
 *
 * @throws CliError `port-in-use` that names the port, who wants it and where to change it
 */
export async function freePort(use: PortUse): Promise<number> {
  if (use.port !== 0) return await mustBeFree(use);
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(searched.from, searched.before);
    try {
      return await mustBeFree({ ...use, port });
    } catch (error) {
      if (tries === mostTries) throw error;
    }
  }
}

async function mustBeFree(use: PortUse): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.on('error', reject);
  server.listen({ port: use.port, host: '127.0.0.1', exclusive: true }, resolve);
  try {
    await promise;
  } catch (error) {
    throw portError(error, use);
  }
  await new Promise((done) => server.close(done));
  return use.port;
}

/** Names the port and the mend where `error` says that a port cannot be had; any other error is returned as it is. */
export function portError(error: unknown, use: PortUse, host = '127.0.0.1'): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const where = `Stop what listens there, or set another ${use.setting} (0 takes any free port).`;
  if (code === 'EADDRINUSE') {
    return new CliError('port-in-use', `Port ${use.port}, wanted by ${use.service}, is occupied.`, where, {
      cause: error,
    });
  }
  if (code === 'EACCES') {
    return new CliError(
      'port-in-use',
      `Port ${use.port}, wanted by ${use.service}, needs rights that this user has not.`,
      `Set ${use.setting} to a port above 1023.`,
      { cause: error },
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EADDRNOTAVAIL') {
    return new CliError(
      'usage',
      `Nobody can listen at ${host}: this machine has no such address.`,
      'Give --host 127.0.0.1 for this machine alone, or 0.0.0.0 for all of its addresses.',
      { cause: error },
    );
  }
  return error;
}
