import { z } from 'zod';
import { queueList, seconds } from './queue-schema.ts';
import type { QueueConfig } from './queue-schema.ts';

const webAddress = z.url({ protocol: /^https?$/, error: 'write an address such as http://127.0.0.1:8080' });

const settings = z.strictObject({
  taskNameReuseAfter: seconds
    .optional()
    .describe('How long the name of a task that is gone stays taken. Default "3600s".'),
  queueNameReuseAfter: seconds
    .optional()
    .describe('How long the name of a deleted queue stays taken. Default "0s"; a week with profile strict.'),
  autoCreatesQueues: z
    .boolean()
    .optional()
    .describe(
      'Whether a queue that is missing is made when a task is created in it. Default false; not with profile strict.',
    ),
  missingQueueCode: z
    .enum(['NOT_FOUND', 'FAILED_PRECONDITION'])
    .optional()
    .describe('What CreateTask answers where the queue is missing. Default NOT_FOUND.'),
  conflictCode: z
    .enum(['ABORTED', 'ALREADY_EXISTS'])
    .optional()
    .describe('As of what an answer of 409 is recorded. Default ABORTED.'),
  hasBackPressure: z
    .boolean()
    .optional()
    .describe('Whether a queue slows down when its targets answer 429 or 503. Default true.'),
  hasErrorPressure: z
    .boolean()
    .optional()
    .describe(
      'Whether a queue slows down when half of its attempts fail or more. Default false; true with profile strict.',
    ),
  hasSlowStart: z
    .boolean()
    .optional()
    .describe(
      'Whether a queue that is new, idle or resumed gets up to its rate step by step. Default false; true with profile strict.',
    ),
});

const port = z.int().min(0).max(65_535);

const ports = z
  .strictObject({
    tasks: port
      .default(8123)
      .describe('The Cloud Tasks emulator: gRPC, REST, tokens. 0 takes any free port.'),
    firestore: port.default(8080).describe("Google's Firestore emulator. 0 takes any free port."),
    functions: port.default(8081).describe('The functions, each served at /NAME. 0 takes any free port.'),
    smtp: port.default(1025).describe('The SMTP server that receives the mails. 0 takes any free port.'),
  })
  .check((context) => {
    const seen = new Map<number, string>();
    for (const [service, value] of Object.entries(context.value)) {
      const other = value === 0 ? undefined : seen.get(value);
      if (other !== undefined) {
        const message = `is the port of ports.${other} already`;
        context.issues.push({ code: 'custom', path: [service], message, input: value });
      }
      seen.set(value, service);
    }
  });

/** What `emulator.config.json` may hold, and what stands where it says nothing. */
export const emulatorConfigSchema: z.ZodType<EmulatorConfig> = z
  .strictObject({
    $schema: z.string().optional().describe('Where editors find the schema of this file.'),
    project: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9:.-]*$/, 'a project id has letters, digits, and the characters : . -')
      .default('demo-pageturner')
      .describe(
        'Project id of everything that runs locally. Ids that begin with demo- never exist in Google Cloud.',
      ),
    location: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]*$/,
        'a location has lower-case letters, digits and hyphens, such as us-central1',
      )
      .default('us-central1')
      .describe('Location of the queues.'),
    profile: z
      .enum(['local', 'strict'])
      .default('local')
      .describe(
        'local lets through what works on one machine, such as tokens over http://; strict refuses what the real service refuses.',
      ),
    publicUrl: webAddress
      .optional()
      .describe('Under which address others reach the emulator that verify its tokens: their issuer.'),
    appEngineUrl: z
      .union([webAddress, z.record(z.string(), webAddress)])
      .optional()
      .describe(
        'Where App Engine tasks are delivered: one address, or one by service, version.service or default.',
      ),
    followRedirects: z
      .boolean()
      .default(false)
      .describe('Whether the redirect of an HTTP target is followed within the attempt.'),
    traceContext: z
      .boolean()
      .default(false)
      .describe('Whether each attempt is sent with a traceparent, as Cloud Run and its like add one.'),
    settings: settings
      .prefault({})
      .describe('What is not public of the service, or differs between its pages.'),
    ports: ports
      .prefault({})
      .describe('Ports on 127.0.0.1 that `pageturner dev` and `pageturner emulator` listen on.'),
    queueFiles: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Files with more queues, beside this one: of `pageturner queues export`, of `gcloud tasks queues describe` or `list`, or a terraform.tfstate.',
      ),
    queues: queueList.default([{ name: 'default' }]).describe('The queues that exist from the start.'),
    rewrite: z
      .record(z.string(), z.string())
      .default({})
      .describe(
        'Where HTTP tasks go in place of where they say: "https://my.app": "http://localhost:8080", or host by host, "localhost": "host.docker.internal".',
      ),
  })
  .describe('Settings of the local stack: pageturner dev, exec, demo and emulator.');

export type ServiceName = 'tasks' | 'firestore' | 'functions' | 'smtp';

export interface EmulatorConfig {
  readonly $schema?: string | undefined;
  readonly project: string;
  readonly location: string;
  /** `strict` refuses what the real service refuses. */
  readonly profile: 'local' | 'strict';
  readonly publicUrl?: string | undefined;
  readonly appEngineUrl?: string | Readonly<Record<string, string>> | undefined;
  readonly followRedirects: boolean;
  readonly traceContext: boolean;
  readonly settings: {
    /** Durations as `3600s`. */
    readonly taskNameReuseAfter?: string | undefined;
    readonly queueNameReuseAfter?: string | undefined;
    readonly autoCreatesQueues?: boolean | undefined;
    readonly missingQueueCode?: 'NOT_FOUND' | 'FAILED_PRECONDITION' | undefined;
    readonly conflictCode?: 'ABORTED' | 'ALREADY_EXISTS' | undefined;
    readonly hasBackPressure?: boolean | undefined;
    readonly hasErrorPressure?: boolean | undefined;
    readonly hasSlowStart?: boolean | undefined;
  };
  /** Ports on 127.0.0.1; 0 takes any that is free. */
  readonly ports: Readonly<Record<ServiceName, number>>;
  /** Files with more queues, as paths from the folder of the configuration. */
  readonly queueFiles: readonly string[];
  readonly queues: readonly QueueConfig[];
  /** Where HTTP tasks go in place of where they say. */
  readonly rewrite: Readonly<Record<string, string>>;
}
