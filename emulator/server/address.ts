import { invalidArgument } from '../core/faults.ts';

/** Host names that stand for all addresses of the machine: clients cannot call them. */
const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Whether a host stands for all addresses of this machine. */
export function isWildcard(host: string): boolean {
  return Object.hasOwn(WILDCARDS, host);
}

/** Where clients on this machine reach what listens at a host and port. */
export function localUrl(host: string, port: number): string {
  return `http://${WILDCARDS[host] ?? (host.includes(':') ? `[${host}]` : host)}:${port}`;
}

/**
 * An address that somebody gave, without the slash at its end.
 *
 * @param option what it was given as, to name it in the error
 * @throws ApiError INVALID_ARGUMENT
 */
export function webAddress(option: string, text: string): string {
  const { protocol, search, hash } = URL.parse(text) ?? { protocol: '', search: '', hash: '' };
  if (/^https?:$/.test(protocol) && search === '' && hash === '') return text.replace(/\/+$/, '');
  throw invalidArgument(`${option} is "${text}": write an address such as http://127.0.0.1:8123.`);
}
