import type protobuf from 'protobufjs';
import { parseJson } from '../core/json-text.ts';
import { messageFromJson } from './json-decode.ts';
import { messageToJson } from './json-encode.ts';
import { compilePath, httpRulesOf } from './http-rule.ts';
import type { HttpRule, PathMatcher, PathVariable } from './http-rule.ts';
import { jsonReply } from './http.ts';
import type { HttpHandler, HttpReply, HttpRequest } from './http.ts';
import type { Rpc, Surface } from './rpc.ts';
import { unimplemented } from './rpc.ts';
import { camelCase } from './schema.ts';
import type { Plain } from './schema.ts';

interface Route {
  readonly rpc: protobuf.Method;
  readonly rule: HttpRule;
  readonly match: PathMatcher;
  readonly run: Rpc;
}

/** Serves the services as JSON over HTTP, at the paths that their `google.api.http` annotations name. */
export function createRest(surfaces: readonly Surface[]): HttpHandler {
  const routes = surfaces.flatMap(routesOf);
  return (request) => {
    for (const route of routes) {
      const variables = route.rule.method === request.method ? route.match(request.path) : undefined;
      if (variables !== undefined) return answer(route, variables, request);
    }
    return undefined;
  };
}

function routesOf({ service, restVersions, httpRules = {}, rpcs }: Surface): Route[] {
  return service.methodsArray.flatMap((rpc) =>
    (httpRules[rpc.name] ?? httpRulesOf(rpc)).flatMap((rule) =>
      restVersions.map((version) => ({
        rpc,
        rule,
        match: compilePath(rule.template.replace(/^\/v[^/]+/, version)),
        run: rpcs[rpc.name] ?? (() => unimplemented(rpc.name)),
      })),
    ),
  );
}

function answer(route: Route, variables: PathVariable[], request: HttpRequest): HttpReply {
  const response = route.run(readMessage(route, variables, request));
  return jsonReply(
    messageToJson(resolved(route.rpc.resolvedResponseType), response, {
      enumsAsNumbers: wantsEnumsAsNumbers(request.query),
    }),
  );
}

/** The request message: what the body says, then what the query adds, then what the path fixes. */
function readMessage({ rpc, rule }: Route, variables: PathVariable[], request: HttpRequest): Plain {
  const type = resolved(rpc.resolvedRequestType);
  const message = { ...readBody(type, rule, request.body), ...readQuery(type, request.query) };
  for (const [fieldPath, value] of variables) setAt(message, fieldPath, value);
  return message;
}

function readBody(type: protobuf.Type, rule: HttpRule, body: Buffer): Plain {
  if (rule.body === undefined) return {};
  const json = parseJson(body.toString('utf8'));
  if (rule.body === '*') return messageFromJson(type, json);
  const name = camelCase(rule.body);
  return { [name]: messageFromJson(resolved(type.fields[name]?.resolvedType), json, { path: rule.body }) };
}

/** Query parameters that speak to Google's front end rather than to the RPC. */
const SYSTEM_PARAMETERS: ReadonlySet<string> = new Set(
  '$alt alt $prettyPrint prettyPrint $fields fields $.xgafv callback key access_token oauth_token quotaUser $userProject'
    .split(' ')
    .concat('uploadType', 'upload_protocol'),
);

function readQuery(type: protobuf.Type, query: URLSearchParams): Plain {
  const json: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    if (SYSTEM_PARAMETERS.has(name)) continue;
    const values = query.getAll(name);
    setAt(json, name.split('.'), values.length === 1 ? values[0] : values);
  }
  return messageFromJson(type, json, { source: 'query' });
}

function wantsEnumsAsNumbers(query: URLSearchParams): boolean {
  return [...query.getAll('$alt'), ...query.getAll('alt')].some((alt) => alt.includes('enum-encoding=int'));
}

/** Sets a value in a nest of objects, making those that are missing. */
function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const inner = Object.hasOwn(target, name) ? target[name] : undefined;
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  setAt(next, rest, value);
  setAt(target, [name], next);
}

function resolved(type: protobuf.Type | protobuf.Enum | null | undefined): protobuf.Type {
  return type as protobuf.Type;
}
