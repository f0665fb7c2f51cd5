import type { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import type { Adversary } from './adversary.ts';
import { isOrdered, type Walk } from './walk.ts';

/** The documents that are walked over, and the people who edit, delete and add some meanwhile. */
export class Documents {
  /** Paths of those that the walk must meet: there from before it began until after it ended. */
  readonly lasting: Set<string> = new Set();
  /** Paths of those whose place in the walk has changed: it may meet them once, twice or not at all. */
  readonly moved: Set<string> = new Set();
  readonly #db: MemoryFirestore;
  readonly #adversary: Adversary;
  readonly #over: Walk['over'];

  constructor(db: MemoryFirestore, adversary: Adversary, { over }: Walk) {
    this.#db = db;
    this.#adversary = adversary;
    this.#over = over;
  }

  /** Those that are there before the walk begins, some of them neighbors in the order of their names. */
  seed(): void {
    const { chance } = this.#adversary;
    const count = chance.between(5, 16);
    for (let n = 0; n < count; n += 1) {
      const path = this.#somePath(n);
      this.#put(path);
      if (chance.happens(0.2)) this.#put(chance.pick([justBefore, justBehind])(path));
    }
  }

  /** Somebody changes something anywhere. */
  disturb(n: number): void {
    const { chance } = this.#adversary;
    const some = [...this.lasting];
    const path = some.length === 0 ? this.#somePath(n) : chance.pick(some);
    switch (chance.pick(['edit', 'delete', 'create', 'move'])) {
      case 'edit':
        return this.#edit(path);
      case 'move':
        return this.#move(path);
      case 'delete':
        return this.#delete(path);
      case 'create':
        this.#add(this.#somePath(100 + n));
    }
  }

  /** Somebody changes something where two shards part, or where a page in the order of a field starts. */
  disturbAt(boundary: string): void {
    if (isOrdered({ over: this.#over })) return this.#move(boundary);
    const { chance } = this.#adversary;
    this.#adversary.struck('boundaryChange');
    switch (chance.pick(['edit', 'delete', 'create', 'before', 'behind', 'namesake'])) {
      case 'edit':
        return this.#edit(boundary);
      case 'delete':
        return this.#delete(boundary);
      case 'create':
        return this.#add(boundary);
      case 'before':
        return this.#add(justBefore(boundary));
      case 'behind':
        return this.#add(justBehind(boundary));
      case 'namesake':
        if (this.#over === 'group')
          this.#add(boundary.replace(/^wholes\/w\d/, `wholes/w${chance.between(0, 2)}`));
    }
  }

  /** Another document stands where one that fails stood; undefined where it is not known which. */
  replace(path: string): string | undefined {
    switch (this.#adversary.chance.pick(['delete', 'move', 'copy', 'copy'] as const)) {
      case 'delete':
        this.#delete(path);
        return undefined;
      case 'move':
        this.#move(path);
        return undefined;
      case 'copy':
        return this.#copy(path);
    }
  }

  #somePath(n: number): string {
    const { chance } = this.#adversary;
    const id = chance.pick([
      `${n}`,
      `d${String(n).padStart(4, '0')}`,
      `é${n}`,
      `${chance.between(0, 1e6)}-${n}`,
    ]);
    if (this.#over !== 'group') return `things/${id}`;
    // Equal ids under several parents, and parents that are parts themselves.
    const parent = `wholes/w${n % 3}/parts`;
    return chance.pick([`${parent}/${id}`, `${parent}/same${n % 4}`, `${parent}/same${n % 4}/parts/${id}`]);
  }

  #put(path: string): void {
    const { chance } = this.#adversary;
    const data = { isWanted: chance.happens(0.8), rank: this.#someRank(), note: 0 };
    this.#db.commit((batch) => batch.set(path, data));
    if (this.#over !== 'filter' || data.isWanted) this.lasting.add(path);
  }

  /** Adds one that the walk may meet or not. */
  #add(path: string): void {
    if (this.#db.read(path).exists) return;
    this.#put(path);
    this.lasting.delete(path);
  }

  /** One like it, just before it. */
  #copy(path: string): string {
    const copy = justBefore(path);
    const data = this.#db.read(path).data();
    if (data !== undefined && !this.#db.read(copy).exists) this.#db.commit((batch) => batch.set(copy, data));
    return copy;
  }

  #edit(path: string): void {
    if (this.#db.read(path).exists) this.#db.commit((batch) => batch.update(path, { note: 1 }));
  }

  /** It gets another place in the walk, or is none any more that is walked over. */
  #move(path: string): void {
    const { chance } = this.#adversary;
    if (!this.#db.read(path).exists || (this.#over !== 'filter' && !isOrdered({ over: this.#over }))) return;
    this.#adversary.struck('keyChange');
    this.lasting.delete(path);
    const isWanted = chance.happens(0.5);
    if (this.#over === 'filter') return this.#db.commit((batch) => batch.update(path, { isWanted }));
    this.moved.add(path);
    this.#db.commit((batch) => batch.update(path, { rank: this.#someRank() }));
  }

  /** Values of several kinds, some of them equal. */
  #someRank(): number | string | null {
    const { chance } = this.#adversary;
    return chance.pick([chance.between(0, 5), chance.between(0, 5), 1.5, null, 'a', 'é', '\u{1f600}']);
  }

  #delete(path: string): void {
    this.lasting.delete(path);
    this.#db.commit((batch) => batch.delete(path));
  }
}

/** A path such that hardly any is between it and the given one. */
export function justBehind(path: string): string {
  return `${path}\u0001`;
}

export function justBefore(path: string): string {
  const last = path.charCodeAt(path.length - 1) - 1;
  const below = last === 0x2f ? '.' : String.fromCharCode(last);
  return `${path.slice(0, -1)}${below}\u{10ffff}`;
}
