import type { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import type { Adversary } from './adversary.ts';
import type { Walk } from './walk.ts';

/** The documents that are walked over, and the people who edit, delete and add some meanwhile. */
export class Documents {
  /** Paths of those that the walk must meet: there from before it began until after it ended. */
  readonly lasting: Set<string> = new Set();
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
    const count = chance.between(6, 20);
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
    switch (chance.pick(['edit', 'delete', 'create'])) {
      case 'edit':
        return this.#edit(path);
      case 'delete':
        return this.#delete(path);
      case 'create':
        this.#add(this.#somePath(100 + n));
    }
  }

  /** Somebody changes something where two shards part. */
  disturbAt(boundary: string): void {
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
    const data = { isWanted: chance.happens(0.8), rank: chance.between(0, 5), note: 0 };
    this.#db.commit((batch) => batch.set(path, data));
    if (this.#over !== 'filter' || data.isWanted) this.lasting.add(path);
  }

  /** Adds one that the walk may meet or not. */
  #add(path: string): void {
    if (this.#db.read(path).exists) return;
    this.#put(path);
    this.lasting.delete(path);
  }

  #edit(path: string): void {
    if (this.#db.read(path).exists) this.#db.commit((batch) => batch.update(path, { note: 1 }));
  }

  #delete(path: string): void {
    this.lasting.delete(path);
    this.#db.commit((batch) => batch.delete(path));
  }
}

/** A path such that hardly any is between it and the given one. */
function justBehind(path: string): string {
  return `${path}\u0001`;
}

function justBefore(path: string): string {
  const last = path.charCodeAt(path.length - 1) - 1;
  const below = last === 0x2f ? '.' : String.fromCharCode(last);
  return `${path.slice(0, -1)}${below}\u{10ffff}`;
}
