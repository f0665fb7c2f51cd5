import { action, badge, count, duration, h, link, time } from './dom.js';
import { factList, taskActions } from './queues.js';

const LIVE = ['waiting', 'retrying', 'out'];

/** One task with its attempts, newest first. */
export function taskView(task, { before }) {
  const { now, name, id, queue, state, attempts } = task;
  const queueId = queue.slice(queue.lastIndexOf('/') + 1);
  return [
    h('p', { class: 'path' }, h('a', { href: '#/queues' }, 'Queues'), ' / ', link('queue', queue, queueId)),
    h('h1', { class: 'id' }, id, ' ', badge(state)),
    factList(taskFacts(task)),
    h(
      'span',
      { class: 'actions' },
      LIVE.includes(state) && taskActions(task, { isPull: task.method === undefined }),
      task.isInGraveyard && action('requeue', name, 'Enqueue again'),
    ),
    task.headers && [h('h2', {}, 'Headers'), headersTable(task.headers, 'Headers of the task')],
    task.payload && [h('h2', {}, 'Payload'), payloadBlock(task.payload, 'Payload of the task')],
    h('h2', {}, 'Attempts'),
    attempts.length === 0 && h('p', { class: 'empty' }, noAttempts(task)),
    h(
      'ol',
      { class: 'timeline', reversed: true },
      attempts.map((attempt, index) => attemptItem(attempt, { now, isOpen: index === 0 && !before })),
    ),
    h(
      'p',
      { class: 'pages' },
      before && link('task', name, 'Newest attempts'),
      task.before !== undefined &&
        h('a', { href: `#/task/${encodeURIComponent(name)}?before=${task.before}` }, 'Earlier attempts'),
    ),
  ];
}

function noAttempts({ totalAttempts }) {
  return totalAttempts > 0
    ? 'Its attempts are older than the history, which has the newest 10,000 and begins with the process.'
    : 'None yet.';
}

function taskFacts(task) {
  const { now, createdAt, scheduleAt, leftAt, method, url, authorization, traceId, createdDuring } = task;
  return [
    url !== undefined && ['Target', `${method} ${url}`],
    task.tag !== undefined && ['Tag', task.tag],
    ['Created', time(createdAt, now)],
    scheduleAt !== undefined && ['Due', time(scheduleAt, now)],
    leftAt !== undefined && ['Left the queue', time(leftAt, now)],
    ['Attempts', task.totalAttempts.toLocaleString()],
    authorization && [
      authorization.kind === 'oidc' ? 'OIDC token of' : 'OAuth token of',
      authorization.serviceAccountEmail,
    ],
    authorization?.audience && ['Audience', authorization.audience],
    traceId && ['Trace', traceId],
    createdDuring && [
      'Created during',
      [
        link(
          'task',
          createdDuring.taskName,
          createdDuring.taskName.slice(createdDuring.taskName.lastIndexOf('/') + 1),
        ),
        `, attempt ${createdDuring.attempt}`,
      ],
    ],
  ].filter(Boolean);
}

function attemptItem(attempt, { now, isOpen }) {
  const { startedAt, endedAt, outcome, result, hasSucceeded, deliveries } = attempt;
  const tone = outcome === undefined ? 'busy' : hasSucceeded ? 'good' : 'bad';
  return h(
    'li',
    { class: tone, 'data-key': attempt.attempt, value: attempt.attempt },
    h('h3', {}, `Attempt ${attempt.attempt} `, h('span', { class: `badge ${tone}` }, result ?? 'out')),
    h(
      'p',
      { class: 'quiet' },
      time(startedAt, now),
      endedAt !== undefined && `, took ${duration(endedAt - startedAt)}`,
      outcome !== undefined && `, ${OUTCOMES[outcome] ?? outcome}`,
    ),
    deliveries.length > 1 && h('p', { class: 'note' }, `Delivered ${deliveries.length} times.`),
    deliveries.length === 0 &&
      outcome !== undefined &&
      h('p', { class: 'quiet' }, 'Nothing reached the target.'),
    deliveries.map((delivery, index) => deliveryBlock(delivery, isOpen, index)),
  );
}

const OUTCOMES = {
  completed: 'the task is done',
  retry: 'another attempt follows',
  exhausted: 'the last one: the task was given up',
  superseded: 'a later attempt decides',
  ignored: 'the task had gone meanwhile',
};

function deliveryBlock({ method, url, headers, payload, response, error }, isOpen, index) {
  const nth = index === 0 ? '' : ` ${index + 1}`;
  return [
    h(
      'details',
      { 'data-key': `request${index}` },
      h('summary', {}, h('b', {}, `Request${nth}`), ` ${method} ${url}`),
      headersTable(headers, `Headers of request${nth}`),
      payloadBlock(payload, `Body of request${nth}`),
    ),
    response &&
      h(
        'details',
        { open: isOpen, 'data-key': `response${index}` },
        h('summary', {}, h('b', {}, `Response${nth}`), ` HTTP ${response.httpStatus}`),
        headersTable(response.headers, `Headers of response${nth}`),
        payloadBlock(response.payload, `Body of response${nth}`),
        response.isTruncated && h('p', { class: 'quiet' }, 'The rest of the answer was not kept.'),
      ),
    error && h('p', { class: 'error' }, error),
  ];
}

function headersTable(headers, label) {
  const entries = Object.entries(headers);
  if (entries.length === 0) return h('p', { class: 'quiet' }, 'No headers.');
  return h(
    'dl',
    { class: 'headers', 'aria-label': label },
    entries.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
}

const KINDS = { json: 'JSON', text: 'Text', binary: 'Binary' };

function payloadBlock({ kind, text, size, isCut, decoded }, label) {
  if (kind === 'empty') return h('p', { class: 'quiet' }, 'No body.');
  const what = `${KINDS[kind]}, ${count(size, 'byte', 'bytes')}${isCut ? ', the beginning' : ''}`;
  return h(
    'figure',
    {},
    h('figcaption', {}, what),
    h('pre', { tabindex: 0, 'aria-label': label }, text),
    decoded && [
      h('figcaption', {}, `The same without its base64: ${KINDS[decoded.kind]}`),
      h('pre', { tabindex: 0, 'aria-label': `${label}, decoded` }, decoded.text),
    ],
  );
}
