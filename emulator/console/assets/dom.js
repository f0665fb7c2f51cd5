/** Makes an element. Children become text: nothing that comes from a task is ever read as HTML. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child);
  }
  return element;
}

/**
 * Makes `old` look as `fresh` does, and leaves what is the same in place, so that the focus, what is scrolled and what is unfolded stay.
 * Elements with a `data-key` are the same where their keys are.
 */
export function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, fresh);
  const wanted = [...fresh.childNodes];
  const keys = new Set(wanted.map(keyOf));
  const keyed = new Map();
  for (const child of Array.from(old.childNodes)) {
    const key = keyOf(child);
    if (key === undefined) continue;
    if (keys.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const node of wanted) {
    const key = keyOf(node);
    const match = key === undefined ? (isAlike(at, node) ? at : undefined) : keyed.get(key);
    if (match === undefined) {
      old.insertBefore(node, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else old.insertBefore(match, at);
    morph(match, node);
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function morphAttributes(old, fresh) {
  for (const { name } of Array.from(old.attributes))
    if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined;
}

function isAlike(old, fresh) {
  return old !== null && keyOf(old) === undefined && old.nodeName === fresh.nodeName;
}

/** A table whose cells carry their column's name, for narrow screens that show rows as cards. */
export function table({ label, columns, rows, empty }) {
  if (rows.length === 0) return h('p', { class: 'empty' }, empty);
  const head = columns.map(({ name, isNumber }) =>
    h('th', { scope: 'col', role: 'columnheader', class: isNumber ? 'number' : undefined }, name),
  );
  const body = rows.map(({ key, cells }) =>
    h(
      'tr',
      { 'data-key': key, role: 'row' },
      cells.map((cell, index) => {
        const { name, isNumber } = columns[index];
        return h('td', { 'data-label': name, role: 'cell', class: isNumber ? 'number' : undefined }, cell);
      }),
    ),
  );
  return h(
    'table',
    { 'aria-label': label, role: 'table' },
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
    h('tbody', { role: 'rowgroup' }, body),
  );
}

/** A button whose press is told by its data: see `console.js`. */
export function action(kind, name, text, { label, isDanger } = {}) {
  return h(
    'button',
    {
      type: 'button',
      'data-action': kind,
      'data-name': name,
      'aria-label': label,
      class: isDanger ? 'danger' : undefined,
    },
    text,
  );
}

const STATES = {
  RUNNING: ['good', 'running'],
  PAUSED: ['idle', 'paused'],
  DISABLED: ['idle', 'disabled'],
  waiting: ['idle', 'waiting'],
  retrying: ['bad', 'to be retried'],
  out: ['busy', 'out'],
  completed: ['good', 'completed'],
  exhausted: ['bad', 'given up'],
  expired: ['bad', 'expired'],
  deleted: ['idle', 'deleted'],
  purged: ['idle', 'purged'],
  queueDeleted: ['idle', 'queue deleted'],
  goingOn: ['busy', 'going on'],
  ended: ['good', 'ended'],
  broken: ['bad', 'broken off'],
  still: ['idle', 'no task left'],
};

export function badge(state) {
  const [tone, text] = STATES[state] ?? ['idle', state];
  return h('span', { class: `badge ${tone}` }, text);
}

const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const wholeTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** An instant; with its day where that is not today's, by the emulator's clock. */
export function time(at, now) {
  if (at === undefined) return '';
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return h(
    'time',
    { datetime: date.toISOString(), title: date.toISOString() },
    isToday ? timeOfDay.format(date) : wholeTime.format(date),
  );
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

export function count(number, one, many) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

export function link(view, name, text) {
  return h('a', { href: `#/${view}/${encodeURIComponent(name)}` }, text);
}
