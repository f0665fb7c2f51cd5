import { badge, count, duration, h, link, table, time } from './dom.js';
import { factList } from './queues.js';

const BY = {
  name: 'run of Pageturner',
  trace: 'tasks of one trace',
  creation: 'tasks created by each other',
};

/** The list of chains. */
export function chainsView({ chains, total, now }) {
  return [
    h('h1', {}, 'Chains'),
    h(
      'p',
      { class: 'quiet' },
      'Tasks that went on from one to the next. ',
      total > chains.length && `The newest ${chains.length} of ${total.toLocaleString()}.`,
    ),
    table({
      label: 'Chains',
      empty: 'No chain has been seen: no task created another one so far.',
      columns: [
        { name: 'Chain' },
        { name: 'State' },
        { name: 'Steps', isNumber: true },
        { name: 'Shards', isNumber: true },
        { name: 'Children', isNumber: true },
        { name: 'Odd' },
        { name: 'Begun' },
      ],
      rows: chains.map((chain) => ({
        key: chain.id,
        cells: [
          [
            link('chain', chain.id, shortName(chain)),
            h('span', { class: 'under' }, `${BY[chain.by]}, queue ${chain.queue}`),
          ],
          badge(chain.state),
          chain.steps.toLocaleString(),
          chain.by === 'name' ? chain.shards : '–',
          chain.children.toLocaleString(),
          oddText(chain),
          time(chain.startedAt, now),
        ],
      })),
    }),
  ];
}

function shortName({ id }) {
  return id.slice(id.lastIndexOf('/') + 1);
}

function oddText({ gaps, notes }) {
  const parts = [
    gaps > 0 && count(gaps, 'gap', 'gaps'),
    notes > 0 && count(notes, 'remark', 'remarks'),
  ].filter(Boolean);
  return parts.length === 0 ? '–' : h('span', { class: 'slowed' }, parts.join(', '));
}

/** One chain: a line of steps for each of its strands. */
export function chainView(chain) {
  const { id, by, queue, queueName, state, startedAt, strands, others, children, now } = chain;
  return [
    h('p', { class: 'path' }, h('a', { href: '#/chains' }, 'Chains')),
    h('h1', { class: 'id' }, shortName(chain), ' ', badge(state)),
    factList([
      ['What', BY[by]],
      ['Queue', link('queue', queueName, queue)],
      ['Begun', time(startedAt, now)],
      ['Children', children.toLocaleString()],
    ]),
    state === 'still' && by === 'name' && h('p', { class: 'note' }, STILL),
    h(
      'p',
      { class: 'actions' },
      h(
        'a',
        {
          class: 'button',
          href: `views/chain.txt?id=${encodeURIComponent(id)}`,
          download: `chain-${shortName(chain)}.txt`,
        },
        'Save as text',
      ),
    ),
    h(
      'div',
      { class: 'strands' },
      strands.map((strand) => strandBlock(strand, now)),
      others.length > 0 &&
        h(
          'section',
          { 'data-key': 'others' },
          h('h2', {}, 'The run itself'),
          h(
            'ol',
            { class: 'chain' },
            others.map((step) => stepItem(step, now)),
          ),
        ),
    ),
  ];
}

const STILL =
  'None of its tasks is left, and none completed it: it is paused or canceled, or its chain has died. “pageturner runs show” tells which, and “pageturner runs heal” mends the last.';

function strandBlock({ shard, steps, gaps, leftOut }, now) {
  const items = steps.flatMap((step) => [
    ...gaps.filter(({ to }) => step.label === `page ${to + 1}`).map(gapItem),
    stepItem(step, now),
  ]);
  return h(
    'section',
    { 'data-key': `shard ${shard}` },
    h('h2', {}, shard === undefined ? 'Tasks' : `Shard ${shard}`),
    leftOut > 0 &&
      h('p', { class: 'quiet' }, `${count(leftOut, 'earlier step is', 'earlier steps are')} left out.`),
    h('ol', { class: 'chain' }, items),
  );
}

function gapItem({ from, to, kind }) {
  const pages = from === to ? `Page ${from}` : `Pages ${from} to ${to}`;
  const why = kind === 'missing' ? 'missing, though later ones are there' : 'older than the history';
  return h('li', { class: `gap ${kind}`, 'data-key': `gap ${from}` }, `${pages}: ${why}`);
}

const TONES = {
  waiting: 'idle',
  retrying: 'bad',
  out: 'busy',
  completed: 'good',
  exhausted: 'bad',
  expired: 'bad',
};

function stepItem(step, now) {
  const {
    taskName,
    label,
    state,
    epoch,
    attempts,
    createdAt,
    leftAt,
    children = 0,
    place,
    notes,
    depth,
  } = step;
  const level = Math.min(depth, 8);
  return h(
    'li',
    { class: `${TONES[state] ?? 'idle'} level${level}`, 'data-key': taskName },
    h('span', { class: 'step' }, link('task', taskName, label), ' ', badge(state)),
    h(
      'span',
      { class: 'quiet' },
      [
        time(createdAt, now).textContent,
        leftAt !== undefined && duration(leftAt - createdAt),
        attempts > 1 && count(attempts, 'attempt', 'attempts'),
        epoch > 0 && `epoch ${epoch}`,
        children > 0 && count(children, 'child', 'children'),
      ]
        .filter(Boolean)
        .join(' · '),
    ),
    place !== undefined && h('span', { class: 'place' }, 'from ', h('code', {}, place)),
    notes.map((text) => h('span', { class: 'remark' }, text)),
  );
}
