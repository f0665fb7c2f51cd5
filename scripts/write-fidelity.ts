/** Writes docs/fidelity.md from the conformance table: `node scripts/write-fidelity.ts`. `npm run check` runs it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { errorRows } from '../cli/conformance/errors.ts';
import type { ErrorRow, Mark } from '../cli/conformance/row.ts';

const MARKS: readonly Mark[] = ['recorded', 'documented', 'inferred'];

function cell(text: string): string {
  return text
    .replaceAll('|', String.raw`\|`)
    .replaceAll('<', '&lt;')
    .replaceAll('_', String.raw`\_`);
}

function line({
  rpc,
  profile,
  only,
  condition,
  code,
  message,
  details = [],
  mark,
  source,
}: ErrorRow): string {
  const types = details.map(({ type }) => type.replace('google.rpc.', '')).join(', ');
  const text = `${cell(message)}${types === '' ? '' : ` (with ${types})`}`;
  const limits = [
    ...(profile === undefined ? [] : [`\`${profile}\``]),
    ...(only === undefined ? [] : [`${only} only`]),
  ];
  const when = `${cell(condition)}${limits.length === 0 ? '' : ` (${limits.join(', ')})`}`;
  return `| ${[rpc, when, cell(code), text, mark, cell(source)].join(' | ')} |`;
}

const counts = MARKS.map((mark) => `${errorRows.filter((row) => row.mark === mark).length} ${mark}`);
const page = `<!-- Written by scripts/write-fidelity.ts from cli/conformance/errors.ts; change it there. -->

# How faithful the errors are

Each row is tried over gRPC and over REST by \`test/conformance\`, code, text and all details. Rows marked \`strict\` are of that profile;
\`local\` lets them through and warns with the same text. \`recorded\`: the real service was seen to answer so; \`documented\`:
Google says so; \`inferred\`: our own reading, where neither says enough. Of ${errorRows.length} rows, ${counts.join(', ')}.

| call | when | code | text | mark | source |
| --- | --- | --- | --- | --- | --- |
${errorRows.map(line).join('\n')}
`;
const path = fileURLToPath(new URL('../docs/fidelity.md', import.meta.url));
writeFileSync(path, await format(page, { ...(await resolveConfig(path)), filepath: path }));
