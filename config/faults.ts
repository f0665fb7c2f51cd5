import type { z } from 'zod';
import { closest } from './closest.ts';
import { emulatorConfigJsonSchema, type JsonSchema } from './json-schema.ts';

type Path = readonly PropertyKey[];

/** One line a fault: the path, what stands there, and what to write instead. */
export function faultLines(error: z.ZodError, input: unknown): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${pathText([...issue.path, key])}: ${unknownKey(key, issue.path)}`);
    }
    return [`${pathText(issue.path)}: ${faultText(issue, valueAt(input, issue.path))}`];
  });
}

function faultText(issue: z.core.$ZodIssue, value: unknown): string {
  const shown = JSON.stringify(value);
  if (issue.code === 'too_big')
    return `${shown} is more than ${issue.maximum}: write at most ${issue.maximum}`;
  if (issue.code === 'too_small') {
    return issue.inclusive
      ? `${shown} is less than ${issue.minimum}: write at least ${issue.minimum}`
      : `${shown} is not more than ${issue.minimum}: write a number above ${issue.minimum}`;
  }
  if (issue.code === 'invalid_type') {
    const expected = typeNames[issue.expected] ?? issue.expected;
    return value === undefined ? `is missing: write ${expected}` : `${shown} is not ${expected}`;
  }
  // The schema says the rest in words of its own.
  return `${shown} is wrong: ${issue.message}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text in double quotes',
  number: 'a number',
  int: 'a whole number',
  array: 'a list, in [ ]',
  object: 'an object, in { }',
};

function unknownKey(key: string, path: Path): string {
  const keys = Object.keys(schemaAt(path)?.properties ?? {}).filter((known) => known !== '$schema');
  const meant = closest(key, keys);
  return meant ? `unknown key: did you mean ${meant}?` : `unknown key: there is ${keys.join(', ')}`;
}

function schemaAt(path: Path): JsonSchema | undefined {
  let schema: JsonSchema | undefined = emulatorConfigJsonSchema();
  for (const step of path)
    schema = typeof step === 'number' ? schema?.items : schema?.properties?.[String(step)];
  return schema;
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[step];
  return value;
}

function pathText(path: Path): string {
  if (path.length === 0) return 'the file';
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
}
