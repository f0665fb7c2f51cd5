import { action, badge, count, h, link, table, time } from './dom.js';

/** The list of queues. */
export function queuesView({ queues, now, isFrozen }) {
  return [
    h('h1', {}, 'Queues'),
    isFrozen && h('p', { class: 'note' }, 'The clock is frozen at ', time(now, now), '.'),
    table({
      label: 'Queues',
      empty: 'There is no queue yet. Create one through the API, or name it in the configuration.',
      columns: [
        { name: 'Queue' },
        { name: 'State' },
        { name: 'Tasks', isNumber: true },
        { name: 'Out / slots', isNumber: true },
        { name: 'Rate', isNumber: true },
        { name: 'Next due' },
        { name: 'Actions' },
      ],
      rows: queues.map((queue) => ({
        key: queue.name,
        cells: [
          [link('queue', queue.name, queue.id), h('span', { class: 'under' }, queue.location)],
          badge(queue.state),
          queue.depth.toLocaleString(),
          `${queue.out.toLocaleString()} / ${queue.slots.toLocaleString()}`,
          rateText(queue),
          time(queue.nextDueAt, now) || '–',
          queueActions(queue),
        ],
      })),
    }),
  ];
}

function rateText({ rate, effectiveRate, isPull }) {
  if (isPull) return 'pulled';
  const set = `${number(rate)}/s`;
  return effectiveRate < rate * 0.999
    ? [h('span', { class: 'slowed' }, `${number(effectiveRate)}/s`), ` of ${set}`]
    : set;
}

function number(value) {
  return value.toLocaleString(undefined, { maximumFractionDigits: 2 });
}

function queueActions({ name, id, state }) {
  return h(
    'span',
    { class: 'actions' },
    state === 'RUNNING'
      ? action('pause', name, 'Pause', { label: `Pause ${id}` })
      : action('resume', name, 'Resume', { label: `Resume ${id}` }),
    action('purge', name, 'Purge', { label: `Purge ${id}`, isDanger: true }),
  );
}

const STATES = [
  ['all', 'in the queue'],
  ['waiting', 'waiting'],
  ['retrying', 'to be retried'],
  ['out', 'out'],
  ['gone', 'gone'],
];

/** One queue with a page of its tasks. */
export function queueView({ queue, tasks, now, next }, { state = 'all', name = '', start = '0' }) {
  const isGone = state === 'gone';
  return [
    h('p', { class: 'path' }, h('a', { href: '#/queues' }, 'Queues')),
    h('h1', {}, queue.id, ' ', badge(queue.state)),
    h('p', { class: 'quiet' }, queue.name),
    facts(queue, now),
    queueActions(queue),
    h(
      'form',
      { class: 'filter', 'data-filter': queue.name, role: 'search' },
      h(
        'span',
        { class: 'field' },
        h('label', { for: 'state' }, 'Tasks'),
        h(
          'select',
          { name: 'state', id: 'state' },
          STATES.map(([value, text]) => h('option', { value, selected: value === state }, text)),
        ),
      ),
      h(
        'span',
        { class: 'field' },
        h('label', { for: 'name' }, 'Id has'),
        h('input', {
          type: 'search',
          name: 'name',
          id: 'name',
          value: name,
          maxlength: 500,
          autocomplete: 'off',
        }),
        h('button', { type: 'submit' }, 'Show'),
      ),
    ),
    table({
      label: 'Tasks',
      empty: emptyText({ isGone, name, next }),
      columns: isGone
        ? [{ name: 'Task' }, { name: 'State' }, { name: 'Created' }, { name: 'Left' }]
        : [
            { name: 'Task' },
            { name: 'State' },
            { name: 'Attempts', isNumber: true },
            { name: 'Due' },
            { name: 'Last error' },
            { name: 'Actions' },
          ],
      rows: tasks.map((task) => ({
        key: task.name,
        cells: isGone
          ? [
              link('task', task.name, task.id),
              badge(task.state),
              time(task.createdAt, now),
              time(task.leftAt, now),
            ]
          : [
              link('task', task.name, task.id),
              badge(task.state),
              task.attempts.toLocaleString(),
              task.state === 'out' ? 'now' : time(task.scheduleAt, now),
              task.lastError ?? '–',
              taskActions(task, queue),
            ],
      })),
    }),
    h(
      'p',
      { class: 'pages' },
      start !== '0' && pageLink(queue.name, { state, name }, 'First page'),
      next !== undefined && pageLink(queue.name, { state, name, start: next }, 'Next page'),
    ),
  ];
}

function emptyText({ isGone, name, next }) {
  if (next !== undefined) return 'None so far; there are more tasks to look at on the next page.';
  if (name !== '') return 'No task of that id.';
  return isGone ? 'No task has left the queue, as far as the history goes.' : 'No such task is in the queue.';
}

function pageLink(queue, query, text) {
  return h('a', { href: `#/queue/${encodeURIComponent(queue)}?${new URLSearchParams(query)}` }, text);
}

function facts(queue, now) {
  const { depth, out, slots, responsesLastMinute, maxAttempts, nextDueAt } = queue;
  const entries = [
    ['Tasks', depth.toLocaleString()],
    ['Out', `${out.toLocaleString()} of ${slots.toLocaleString()} slots`],
    ['Rate', rateText(queue)],
    ['Answers in a minute', responsesLastMinute.toLocaleString()],
    ['Attempts at most', maxAttempts === -1 ? 'no limit' : maxAttempts],
    ['Next due', time(nextDueAt, now) || '–'],
  ];
  return factList(entries);
}

export function factList(entries) {
  return h(
    'dl',
    { class: 'facts' },
    entries.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))),
  );
}

/** What can be done with a task that is in its queue. */
export function taskActions({ name, id, state }, { isPull } = {}) {
  return h(
    'span',
    { class: 'actions' },
    !isPull &&
      action('run', name, state === 'retrying' ? 'Retry now' : 'Run now', {
        label: `${state === 'retrying' ? 'Retry' : 'Run'} ${id} now`,
      }),
    action('delete', name, 'Delete', { label: `Delete ${id}`, isDanger: true }),
  );
}

/** The tasks that ran out of attempts. */
export function graveyardView({ tasks, now }) {
  return [
    h('h1', {}, 'Graveyard'),
    h(
      'p',
      { class: 'quiet' },
      'Tasks that ran out of attempts. The real service drops them without a word.',
      tasks.length > 0 && ` ${count(tasks.length, 'task', 'tasks')}, newest first.`,
    ),
    table({
      label: 'Graveyard',
      empty: 'No task has run out of attempts.',
      columns: [
        { name: 'Task' },
        { name: 'Queue' },
        { name: 'Attempts', isNumber: true },
        { name: 'Given up' },
        { name: 'Last error' },
        { name: 'Actions' },
      ],
      rows: tasks.map((task) => ({
        key: `${task.name} ${task.diedAt}`,
        cells: [
          link('task', task.name, task.id),
          link('queue', task.queue, task.queueId),
          task.attempts.toLocaleString(),
          time(task.diedAt, now),
          task.lastError,
          action('requeue', task.name, 'Enqueue again', { label: `Enqueue ${task.id} again` }),
        ],
      })),
    }),
  ];
}
