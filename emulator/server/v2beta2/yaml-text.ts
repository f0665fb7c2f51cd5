import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { badRequest } from '../status.ts';

type Path = readonly PropertyKey[];

const fromHere = createRequire(import.meta.url);
/** Loaded with the first file: few runs see one, and it would cost every start 40 ms. */
const yaml = (): typeof Yaml => fromHere('yaml') as typeof Yaml;

/** Enough for some hundreds of queues, and little enough that nothing in it takes long to read. */
const MAX_BYTES = 128 * 1024;
/** The parser holds some levels for each one that a person sees; a `queue.yaml` needs seven. */
const MAX_DEPTH = 32;

/** A YAML document that is safe to look at: one document, of bounded size and depth, with no aliases and no key twice. */
export class YamlText {
  readonly #document: Yaml.Document;
  readonly #lines: Yaml.LineCounter;

  private constructor(document: Yaml.Document, lines: Yaml.LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /**
   * Scalars stay the texts that they are, as App Engine reads them: a queue may be called `on`.
   *
   * @throws ApiError INVALID_ARGUMENT that names the line
   */
  static parse(bytes: Uint8Array): YamlText {
    if (bytes.length > MAX_BYTES) {
      throw fault('', `The file has ${bytes.length} bytes; at most ${MAX_BYTES} are read.`);
    }
    const { Composer, LineCounter } = yaml();
    const lines = new LineCounter();
    lines.addNewLine(0);
    const text = decode(bytes);
    const tokens = tokensOf(text, lines);
    const composer = new Composer({ schema: 'failsafe', uniqueKeys: false, prettyErrors: false });
    const [document, second] = composer.compose(tokens, true, text.length);
    if (document === undefined || document.contents === null) {
      throw fault('', 'Empty queue configuration: write "queue:" with a list of queues.');
    }
    const [error] = document.errors;
    if (error !== undefined) throw fault(lineText(lines, error.pos[0]), `${error.message}.`);
    if (second !== undefined) {
      throw fault(lineText(lines, second.range[0]), 'Multiple documents: write one, without "---".');
    }
    const file = new YamlText(document, lines);
    file.#check();
    return file;
  }

  toPlain(): unknown {
    return this.#document.toJS();
  }

  /** INVALID_ARGUMENT that names the line and the path of what is wrong; where it is missing, those of what it is missing from. */
  fault(path: Path, text: string): Error {
    let at = path;
    while (at.length > 0 && !this.#document.hasIn(at)) at = at.slice(0, -1);
    const node = this.#document.getIn(at, true);
    const line = yaml().isNode(node) ? lineText(this.#lines, node.range?.[0] ?? 0) : '';
    const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
    return fault(line, text, name.replace(/^\./, ''));
  }

  #check(): void {
    const { isAlias, isMap, visit } = yaml();
    visit(this.#document, {
      Node: (_, node) => {
        if (isAlias(node) || node.anchor !== undefined) {
          throw fault(this.#lineOf(node), 'Anchors and aliases are not supported: write the value out.');
        }
        if (isMap(node)) this.#checkKeys(node.items.map(({ key }) => key as Yaml.Node));
      },
    });
  }

  #checkKeys(keys: readonly Yaml.Node[]): void {
    const seen = new Set<unknown>();
    for (const key of keys) {
      if (!yaml().isScalar(key)) throw fault(this.#lineOf(key), 'A key must be a plain word.');
      if (seen.has(key.value)) throw fault(this.#lineOf(key), `"${String(key.value)}" is there twice.`);
      seen.add(key.value);
    }
  }

  #lineOf(node: Yaml.Node): string {
    return lineText(this.#lines, node.range?.[0] ?? 0);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fault('', 'The file is no UTF-8 text.');
  }
}

/** The parser keeps a stack of its own; what reads its tokens is recursive, and so never sees more than it can stand. */
function tokensOf(text: string, lines: Yaml.LineCounter): Yaml.CST.Token[] {
  const { Lexer, Parser } = yaml();
  const parser = new Parser(lines.addNewLine);
  const tokens: Yaml.CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH)
      throw fault(lineText(lines, parser.offset), 'It is nested too deep.');
  }
  tokens.push(...parser.end());
  return tokens;
}

function lineText(lines: Yaml.LineCounter, offset: number): string {
  return `Line ${lines.linePos(offset).line}`;
}

const FIELD = 'http_body.data';

function fault(line: string, text: string, path = ''): Error {
  const place = [line, path].filter((part) => part !== '').join(', ');
  const description = `Invalid queue configuration. ${place}${place === '' ? '' : ': '}${text}`;
  return badRequest([{ field: path === '' ? FIELD : `${FIELD}.${path}`, description }]);
}
