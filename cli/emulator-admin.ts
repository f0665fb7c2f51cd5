import { CliError } from './error.ts';
import { findPlace, localTasksHost, type PlaceOptions } from './place.ts';

/**
 * Asks the emulator of this machine for what only an emulator has.
 *
 * @param path below `/emulator/v1`
 * @returns the text of the answer
 * @throws CliError `not-running`; `refused` with the emulator's words
 */
export async function askEmulator(
  options: Pick<PlaceOptions, 'config'>,
  path: string,
  body?: string,
): Promise<string> {
  const place = await findPlace({ ...options, cloud: false });
  if (place.kind === 'cloud') throw new Error('unreachable');
  const host = await localTasksHost(place);
  const response = await fetch(`http://${host}/emulator/v1${path}`, {
    ...(body !== undefined && { method: 'POST', body }),
  });
  const text = await response.text();
  if (response.ok) return text;
  throw new CliError('refused', `The emulator at ${host} refuses: ${messageOf(text)}`);
}

function messageOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error: { message: string } };
    return error.message;
  } catch {
    return text;
  }
}
