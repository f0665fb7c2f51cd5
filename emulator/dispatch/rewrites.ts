import { ApiError } from '../core/errors.ts';

/** Where to call in place of a URL. */
export interface Rewritten {
  readonly url: string;
  /** The `Host` header: what the URL itself would have. */
  readonly host: string;
}

interface Rule {
  readonly matches: (url: URL) => boolean;
  readonly apply: (url: URL) => string;
  /** The rule that says most goes first. */
  readonly weight: number;
}

const HOST = /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/;

/**
 * Where URLs are called in place of where they say. A rule is from an address to an address, the beginning of a path included
 * (`https://my.app/api` to `http://localhost:8080`), or from a host to a host, with or without port (`localhost` to `host.docker.internal`):
 * then scheme, path and a port that is not named stay. The most exact rule counts, one of addresses before one of hosts, and only one is applied.
 */
export class Rewrites {
  readonly #rules: readonly Rule[];

  /** @throws ApiError INVALID_ARGUMENT for what is neither */
  constructor(rewrites: Readonly<Record<string, string>> = {}) {
    this.#rules = Object.entries(rewrites)
      .map(([from, to]) => ruleOf(from, to))
      .toSorted((a, b) => b.weight - a.weight);
  }

  /** Undefined where the URL is called as it is. */
  of(text: string): Rewritten | undefined {
    const url = URL.parse(text);
    if (url === null) return undefined;
    const rule = this.#rules.find(({ matches }) => matches(url));
    return rule && { url: rule.apply(url), host: url.host };
  }
}

function ruleOf(from: string, to: string): Rule {
  const [fromUrl, toUrl] = [addressOf(from), addressOf(to)];
  if (fromUrl && toUrl) return addressRule(fromUrl, toUrl);
  if (HOST.test(from) && HOST.test(to)) return hostRule(from.toLowerCase(), to);
  throw new ApiError(
    'INVALID_ARGUMENT',
    `rewrite has "${from}" to "${to}": write two addresses, such as "https://my.app" to "http://localhost:8080", or two hosts, such as "localhost" to "host.docker.internal".`,
  );
}

function addressOf(text: string): URL | undefined {
  const url = /^https?:/i.test(text) ? URL.parse(text) : null;
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return undefined;
  return url;
}

function addressRule(from: URL, to: URL): Rule {
  const [prefix, target] = [from, to].map(({ pathname }) => pathname.replace(/\/$/, ''));
  return {
    weight: 10_000 + from.pathname.length,
    matches: ({ origin, pathname }) =>
      origin === from.origin && (pathname === prefix || pathname.startsWith(`${prefix}/`)),
    apply: ({ pathname, search }) => `${to.origin}${target}${pathname.slice(prefix?.length)}${search}`,
  };
}

function hostRule(from: string, to: string): Rule {
  const hasPort = /:\d+$/.test(from);
  return {
    weight: hasPort ? 1 : 0,
    matches: ({ host, hostname }) => from === (hasPort ? host : hostname),
    apply: (url) => {
      const called = new URL(url);
      // A host without a port leaves the port as it is, but for one that the rule names.
      if (hasPort && !/:\d+$/.test(to)) called.port = '';
      called.host = to;
      return called.href;
    },
  };
}
