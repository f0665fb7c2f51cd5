import type protobuf from 'protobufjs';
import { httpRulesOf } from '../../emulator/server/http-rule.ts';
import { messageToJson } from '../../emulator/server/json-encode.ts';
import {
  cloudTasksV2Beta2Service,
  cloudTasksV2Beta3Service,
  cloudTasksV2Service,
  type Plain,
} from '../../emulator/server/schema.ts';
import type { ErrorRow } from './row.ts';

/** What a REST call was answered: JSON, whatever the status. */
export interface RestAnswer {
  readonly isOk: boolean;
  readonly body: Plain;
}

export function rpcOf({ rpc }: Pick<ErrorRow, 'rpc'>): protobuf.Method {
  const [name = '', version] = rpc.split(' ').toReversed();
  const services = { v2beta2: cloudTasksV2Beta2Service, v2beta3: cloudTasksV2Beta3Service };
  const service = services[version as keyof typeof services] ?? cloudTasksV2Service;
  const method = service.methods[name];
  if (method === undefined) throw new Error(`There is no ${rpc}.`);
  return method;
}

/** Makes the row's call at the first of its RPC's REST paths. */
export async function callOverRest(
  row: Pick<ErrorRow, 'rpc' | 'request'>,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RestAnswer> {
  const rpc = rpcOf(row);
  const [rule] = httpRulesOf(rpc);
  const json = messageToJson(rpc.resolvedRequestType as protobuf.Type, row.request as Plain, {
    enumsAsNumbers: false,
  }) as Record<string, unknown>;
  const path = rule?.template.replace(/\{([^=}]+)=[^}]*\}/, (_, field: string) =>
    textAt(json, field).split('/').map(encodeURIComponent).join('/'),
  );
  const body = rule?.body === undefined ? undefined : rule.body === '*' ? json : json[rule.body];
  const told = new Set([rule?.body ?? '', /\{([^=}]+)/.exec(rule?.template ?? '')?.[1] ?? '']);
  const query = rule?.body === '*' ? '' : new URLSearchParams(pairsOf(json, told)).toString();
  const response = await fetch(`${url}${path}${query && '?'}${query}`, {
    method: rule?.method ?? 'GET',
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { isOk: response.ok, body: (await response.json()) as Plain };
}

/** What neither the path nor the body says stands in the query: a field's path, and its value. */
function pairsOf(value: unknown, told: ReadonlySet<string>, path = ''): [field: string, value: string][] {
  if (path !== '' && told.has(path)) return [];
  if (Array.isArray(value)) return value.flatMap((item) => pairsOf(item, told, path));
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    pairsOf(inner, told, path === '' ? name : `${path}.${name}`),
  );
}

export function textAt(message: Plain, path: string): string {
  let value: unknown = message;
  for (const name of path.split('.')) value = (value as Plain | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}

/** A text with its instants, which differ from run to run, taken out. */
export function withoutTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+-0[78]:00/g, '<TIME>');
}
