import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { ApiError } from '../core/errors.ts';

/**
 * A web page that somebody happens to have open must not drive the emulator. Browsers name the page in `Origin`; and a page whose
 * own name was made to lead here (DNS rebinding) names itself in `Host`.
 *
 * @param publicUrl an address under which the emulator may be called besides those of this machine
 */
export function refuseWebPages({ origin, host }: IncomingHttpHeaders, publicUrl?: string): void {
  const page = URL.parse(origin ?? '');
  // A page that this server gave, such as the console, was asked for under the name that it is called by; that name is judged below.
  const isOwnPage = host !== undefined && page?.host === host.toLowerCase();
  if (origin !== undefined && !isOwnPage && !isLoopbackHost(page?.hostname ?? '')) {
    throw new ApiError(
      'PERMISSION_DENIED',
      `Requests from web pages of ${origin} are refused. Only pages served from this machine (localhost) may call the emulator.`,
    );
  }
  const hostname = URL.parse(`http://${host}`)?.hostname ?? '';
  const publicName = publicUrl && URL.parse(publicUrl)?.hostname;
  if (host !== undefined && hostname !== publicName && !isPrivateName(hostname)) {
    throw new ApiError(
      'PERMISSION_DENIED',
      `Requests to the host "${host}" are refused, because a web page could be behind that name. ` +
        'Call the emulator as localhost, by its IP address, or by a name without a dot.',
    );
  }
}

/** Whether a host, with or without brackets around an IPv6 address, is this machine and nobody else's. */
export function isLoopbackHost(host: string): boolean {
  const name = bare(host);
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d+){3}$/.test(name)
  );
}

/** Names that nobody on the internet can register: addresses, names without a dot, and those set apart for private networks. */
function isPrivateName(host: string): boolean {
  const name = bare(host);
  if (isIP(name) !== 0 || isLoopbackHost(name)) return true;
  return name !== '' && (!name.includes('.') || /\.(internal|local|test)$/.test(name));
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}
