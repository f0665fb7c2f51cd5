/** The console: which view is shown, what its buttons do, and the events by which it stays up to date. */
import { chainsView, chainView } from './chains.js';
import { h, morph } from './dom.js';
import { graveyardView, queuesView, queueView } from './queues.js';
import { taskView } from './task.js';

const main = document.querySelector('#main');
const message = document.querySelector('#message');
const live = document.querySelector('#live');

/** For each view: what it asks for, and how it shows the answer. */
const VIEWS = {
  queues: { title: 'Queues', path: () => 'queues', show: queuesView },
  graveyard: { title: 'Graveyard', path: () => 'graveyard', show: graveyardView },
  chains: { title: 'Chains', path: () => 'chains', show: chainsView },
  queue: {
    title: 'Queue',
    path: (name, query) => `tasks?${new URLSearchParams({ ...query, queue: name })}`,
    show: queueView,
  },
  task: {
    title: 'Task',
    path: (name, query) => `task?${new URLSearchParams({ ...query, name })}`,
    show: taskView,
  },
  chain: { title: 'Chain', path: (id) => `chain?${new URLSearchParams({ id })}`, show: chainView },
};

const json = { 'content-type': 'application/json' };
const post = (path, body = {}) => ({
  path,
  options: { method: 'POST', headers: json, body: JSON.stringify(body) },
});

/** What the buttons do, by the API that everybody has. `ask`: what is asked before. */
const ACTIONS = {
  pause: { request: (name) => post(`/v2/${name}:pause`), done: 'Paused.' },
  resume: { request: (name) => post(`/v2/${name}:resume`), done: 'Resumed.' },
  run: { request: (name) => post(`/v2/${name}:run`), done: 'Under way.' },
  requeue: {
    request: (taskName) => post('/emulator/v1/graveyard:requeue', { taskName }),
    done: 'Enqueued again, under a new name.',
  },
  purge: {
    request: (name) => post(`/v2/${name}:purge`),
    ask: (id) => `Purge ${id}? All of its tasks are deleted.`,
    yes: 'Purge',
    done: 'Purged.',
  },
  delete: {
    request: (name) => ({ path: `/v2/${name}`, options: { method: 'DELETE' } }),
    ask: (id) => `Delete ${id}?`,
    yes: 'Delete',
    done: 'Deleted.',
  },
};

function route() {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [view, name = ''] = path.split('/');
  const isKnown = Object.hasOwn(VIEWS, view);
  return {
    view: isKnown ? view : 'queues',
    name: decoded(name),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
  return body;
}

let shown = '';
let isLoading = false;
let isStale = false;
/** Ends the pause between two requests. */
let hurry = () => {};

/**
 * Asks for what the view shows, one request at a time; what changes meanwhile is asked for once more behind it. In between it rests for twice
 * as long as the answer took, so that looking at a busy emulator does not keep it from its work.
 */
async function refresh() {
  if (isLoading) {
    isStale = true;
    return;
  }
  isLoading = true;
  try {
    do {
      isStale = false;
      const askedAt = performance.now();
      await show();
      await pause(2 * (performance.now() - askedAt));
    } while (isStale);
  } finally {
    isLoading = false;
  }
}

function pause(ms) {
  return new Promise((resolve) => {
    hurry = resolve;
    setTimeout(resolve, ms);
  });
}

async function show() {
  const at = location.hash;
  const { view, name, query } = route();
  const { title, path, show: make } = VIEWS[view];
  let content;
  try {
    content = make(await call(`views/${path(name, query)}`), query);
  } catch (error) {
    content = [h('h1', {}, title), h('p', { class: 'error' }, error.message)];
  }
  // Somebody has gone on while this was asked for.
  if (location.hash !== at) {
    isStale = true;
    return;
  }
  const fresh = h('main', { id: 'main', tabindex: -1, 'data-view': at }, content);
  if (shown === at) morph(main, fresh);
  else main.replaceChildren(...fresh.childNodes);
  main.dataset.view = at;
  document.title = `${main.querySelector('h1')?.firstChild?.textContent ?? title} · Cloud Tasks emulator`;
  if (shown !== at && shown !== '') {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  shown = at;
  markView(view);
}

const SECTION = { queue: 'queues', task: 'queues', chain: 'chains' };

function markView(view) {
  for (const each of document.querySelectorAll('nav a')) {
    if (each.getAttribute('href') === `#/${SECTION[view] ?? view}`) each.setAttribute('aria-current', 'page');
    else each.removeAttribute('aria-current');
  }
}

async function act(kind, name) {
  const { request, ask, yes, done } = ACTIONS[kind];
  if (ask !== undefined && !(await isSure(ask(name.slice(name.lastIndexOf('/') + 1)), yes))) return;
  try {
    const { path, options } = request(name);
    await call(path, options);
    say(done);
  } catch (error) {
    say(error.message, true);
  }
  hurry();
  await refresh();
}

function say(text, isError = false) {
  message.textContent = text;
  message.className = isError ? 'error' : '';
}

function isSure(question, yes) {
  const dialog = document.querySelector('#confirm');
  document.querySelector('#question').textContent = question;
  document.querySelector('#yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

/** As long as the browser itself waits before it connects again, in ms. */
const CONNECTS_AGAIN_AFTER = 1000;

let events;

/** Follows what happens, while somebody looks. */
function follow() {
  if (document.hidden) {
    events?.close();
    events = undefined;
    return;
  }
  if (events !== undefined) return;
  const source = new EventSource('views/live');
  events = source;
  source.addEventListener('open', () => {
    tellLive('live');
    void refresh();
  });
  source.addEventListener('message', () => void refresh());
  source.addEventListener('error', () => {
    tellLive('not connected');
    // The browser gives up where it got an answer that is no stream of events: too many follow, or something else has the port.
    if (source.readyState !== EventSource.CLOSED || events !== source) return;
    events = undefined;
    setTimeout(follow, CONNECTS_AGAIN_AFTER);
  });
}

function tellLive(text) {
  live.textContent = text;
  live.className = text === 'live' ? 'on' : 'off';
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-action]');
  if (button !== null) void act(button.dataset.action, button.dataset.name);
});
function filter(form) {
  const query = new URLSearchParams(new FormData(form));
  location.hash = `#/queue/${encodeURIComponent(form.dataset.filter)}?${query}`;
}
document.addEventListener('submit', (event) => {
  if (event.target.dataset.filter === undefined) return;
  event.preventDefault();
  filter(event.target);
});
document.addEventListener('change', (event) => {
  if (event.target.name === 'state') filter(event.target.form);
});
addEventListener('hashchange', () => {
  say('');
  hurry();
  void refresh();
});
document.addEventListener('visibilitychange', follow);
void refresh();
follow();
