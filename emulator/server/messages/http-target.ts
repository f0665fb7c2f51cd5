import type { protos } from '@google-cloud/tasks';
import type { Authorization, HttpMethod, QueueHttpTarget, UriOverride } from '../../core/model.ts';
import { unknownEnum } from './unknown-enum.ts';

type HttpTargetMessage = protos.google.cloud.tasks.v2beta3.IHttpTarget;
type UriOverrideMessage = protos.google.cloud.tasks.v2beta3.IUriOverride;
type HttpRequestMessage = protos.google.cloud.tasks.v2.IHttpRequest;
type MethodMessage = string | number | null | undefined;

export function httpTargetFromProto(
  message: HttpTargetMessage | null | undefined,
): QueueHttpTarget | undefined {
  if (message === null || message === undefined) return undefined;
  const method = methodFromProto(message.httpMethod, 'queue.http_target.http_method');
  const authorization = authorizationFromProto(message);
  const headers = (message.headerOverrides ?? []).map(
    ({ header }) => [header?.key ?? '', header?.value ?? ''] as const,
  );
  return {
    ...(message.uriOverride && { uri: uriFromProto(message.uriOverride) }),
    ...(method !== undefined && { method }),
    headers: Object.fromEntries(headers),
    ...(authorization !== undefined && { authorization }),
  };
}

function uriFromProto(message: UriOverrideMessage): UriOverride {
  const { scheme, host, port, pathOverride, queryOverride, uriOverrideEnforceMode: mode } = message;
  if (typeof scheme === 'number')
    throw unknownEnum('queue.http_target.uri_override.scheme', 'UriOverride.Scheme', scheme);
  if (typeof mode === 'number') {
    throw unknownEnum(
      'queue.http_target.uri_override.uri_override_enforce_mode',
      'UriOverride.UriOverrideEnforceMode',
      mode,
    );
  }
  return {
    ...(scheme && { scheme: scheme === 'HTTP' ? 'http' : 'https' }),
    ...(host !== null && host !== undefined && { host }),
    ...(port !== null && port !== undefined && { port: Number(port) }),
    ...(pathOverride && { path: pathOverride.path ?? '' }),
    ...(queryOverride && { query: queryOverride.queryParams ?? '' }),
    mode: mode === 'IF_NOT_EXISTS' ? 'ifNotExists' : 'always',
  };
}

export function httpTargetToProto({
  uri,
  method,
  headers,
  authorization,
}: QueueHttpTarget): HttpTargetMessage {
  return {
    ...(uri !== undefined && { uriOverride: uriToProto(uri) }),
    ...(method !== undefined && { httpMethod: method }),
    headerOverrides: Object.entries(headers).map(([key, value]) => ({ header: { key, value } })),
    ...authorizationToProto(authorization),
  };
}

function uriToProto({ scheme, host, port, path, query, mode }: UriOverride): UriOverrideMessage {
  return {
    ...(scheme !== undefined && { scheme: scheme === 'http' ? 'HTTP' : 'HTTPS' }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(path !== undefined && { pathOverride: { path } }),
    ...(query !== undefined && { queryOverride: { queryParams: query } }),
    uriOverrideEnforceMode: mode === 'always' ? 'ALWAYS' : 'IF_NOT_EXISTS',
  };
}

export function methodFromProto(method: MethodMessage, field: string): HttpMethod | undefined {
  if (method === null || method === undefined || method === 'HTTP_METHOD_UNSPECIFIED') return undefined;
  if (typeof method === 'string') return method as HttpMethod;
  throw unknownEnum(field, 'HttpMethod', method);
}

export function authorizationFromProto(
  message: Pick<HttpRequestMessage, 'oidcToken' | 'oauthToken'>,
): Authorization | undefined {
  if (message.oidcToken) {
    const { serviceAccountEmail, audience } = message.oidcToken;
    return { kind: 'oidc', serviceAccountEmail: serviceAccountEmail ?? '', ...(audience && { audience }) };
  }
  if (message.oauthToken) {
    const { serviceAccountEmail, scope } = message.oauthToken;
    return { kind: 'oauth', serviceAccountEmail: serviceAccountEmail ?? '', ...(scope && { scope }) };
  }
  return undefined;
}

export function authorizationToProto(
  authorization: Authorization | undefined,
): Pick<HttpRequestMessage, 'oidcToken' | 'oauthToken'> {
  if (authorization === undefined) return {};
  const { kind, ...token } = authorization;
  return kind === 'oidc' ? { oidcToken: token } : { oauthToken: token };
}
