import { ConfigError } from './config-error.ts';

const TYPE = 'google_cloud_tasks_queue';
const VERSION = 4;

interface State {
  readonly version: unknown;
  readonly resources: readonly {
    readonly mode?: string;
    readonly type?: string;
    readonly instances?: readonly { readonly attributes?: Readonly<Record<string, unknown>> }[];
  }[];
}

export function isTerraformState(value: unknown): value is State {
  const { version, terraform_version: terraform, resources } = (value ?? {}) as Record<string, unknown>;
  return version !== undefined && terraform !== undefined && Array.isArray(resources);
}

/**
 * The queues of a state as the API would have them, not yet checked.
 *
 * @throws ConfigError where it is of another version, or holds no queue
 */
export function queuesOfTerraform({ version, resources }: State, file: string): readonly unknown[] {
  if (version !== VERSION) {
    throw new ConfigError(file, [
      `it is a state of version ${JSON.stringify(version)}; version ${VERSION} is read, which Terraform writes since 0.12`,
    ]);
  }
  const queues = resources
    .filter(({ mode, type }) => mode === 'managed' && type === TYPE)
    .flatMap(({ instances = [] }) => instances.map(({ attributes = {} }) => queueOf(attributes)));
  if (queues.length === 0) throw new ConfigError(file, [`there is no ${TYPE} in it`]);
  return queues;
}

/** The blocks of the resource that say what a queue is; the rest is where it is, and Terraform's own. */
const BLOCKS = [
  'app_engine_routing_override',
  'http_target',
  'rate_limits',
  'retry_config',
  'stackdriver_logging_config',
] as const;

function queueOf(attributes: Readonly<Record<string, unknown>>): unknown {
  const { name, desired_state: desired, state = desired } = attributes;
  const blocks = BLOCKS.map((block) => [camelCase(block), plain(attributes[block], block)] as const);
  return {
    name,
    ...Object.fromEntries(blocks.filter(([, value]) => value !== undefined)),
    ...(typeof state === 'string' && state !== '' && { state }),
  };
}

/** The one block that may come several times. */
const LISTS: ReadonlySet<string> = new Set(['header_overrides']);

/** A block is a list of one in the state; what was not given is null, empty or 0 there. */
function plain(value: unknown, name: string): unknown {
  if (value === null || value === '' || value === 0) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => plain(item, ''));
    return LISTS.has(name) ? items : items[0];
  }
  if (typeof value !== 'object') return value;
  const fields = Object.entries(value).map(([key, field]) => [camelCase(key), plain(field, key)] as const);
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
