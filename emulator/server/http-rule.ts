import type protobuf from 'protobufjs';
import { ApiError } from '../core/errors.ts';
import { camelCase } from './schema.ts';

/** One way to reach an RPC over REST, as its `google.api.http` annotation describes it. */
export interface HttpRule {
  /** The HTTP method, in upper case. */
  readonly method: string;
  /** For instance `/v2/{name=projects/*}/locations`. */
  readonly template: string;
  /** `*`: the body is the request; a field's name: the body is that field; absent: there is no body. */
  readonly body?: string;
}

/** A variable of a path template with its value: the field's camelCase path, `queue.name` being `['queue', 'name']`. */
export type PathVariable = readonly [fieldPath: readonly string[], value: string];

/** Reads the variables out of a path, or gives undefined for a path that the template does not describe. */
export type PathMatcher = (path: string) => PathVariable[] | undefined;

type Annotation = Partial<Record<string, string>> & { additional_bindings?: Annotation | Annotation[] };

const HTTP_METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The rules of an RPC, additional bindings included, in the order in which they are declared. */
export function httpRulesOf(rpc: protobuf.Method): HttpRule[] {
  const options = (rpc.parsedOptions ?? []) as unknown as Record<string, Annotation>[];
  return options.flatMap((option) => {
    const annotation = option['(google.api.http)'];
    return annotation === undefined ? [] : rulesOf(annotation);
  });
}

function rulesOf(annotation: Annotation): HttpRule[] {
  const method = HTTP_METHODS.find((name) => annotation[name] !== undefined);
  const template = method && annotation[method];
  const { body } = annotation;
  const rule = template && { method: method.toUpperCase(), template, ...(body !== undefined && { body }) };
  return [...(rule ? [rule] : []), ...[annotation.additional_bindings ?? []].flat().flatMap(rulesOf)];
}

/**
 * Compiles a path template. `*` stands for one segment and `**` for any number; `{field}` is `{field=*}`. As in Google's front
 * end, a colon in the last segment begins a verb, so that `queues/q:pause` is never the queue of that name.
 */
export function compilePath(template: string): PathMatcher {
  const expected = splitVerb(template);
  const fieldPaths: string[][] = [];
  const pattern = expected.path.replaceAll(
    /\{([^}=]+)(?:=([^}]+))?\}|[^{}]+/g,
    (text: string, field: string | undefined, segments = '*') => {
      if (field === undefined) return segmentsPattern(text);
      fieldPaths.push(field.split('.').map(camelCase));
      return `(${segmentsPattern(segments)})`;
    },
  );
  const regExp = new RegExp(`^${pattern}$`);
  return (text) => {
    const { path, verb } = splitVerb(text);
    const values = verb === expected.verb ? regExp.exec(path) : null;
    return values?.slice(1).map((value, index) => [fieldPaths[index] ?? [], decodePath(value)] as const);
  };
}

function splitVerb(text: string): { path: string; verb: string } {
  const colon = text.indexOf(':', text.lastIndexOf('/'));
  return colon === -1 ? { path: text, verb: '' } : { path: text.slice(0, colon), verb: text.slice(colon) };
}

function segmentsPattern(template: string): string {
  return template.replaceAll(/\*\*|\*|[^*]+/g, (part) => {
    if (part === '**') return '.+';
    return part === '*' ? '[^/]+' : part.replaceAll(/[^\w/]/g, String.raw`\$&`);
  });
}

/** Throws INVALID_ARGUMENT on an encoding that is none. */
export function decodePath(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new ApiError('INVALID_ARGUMENT', `The path holds a malformed percent-encoding: ${value}`);
  }
}
