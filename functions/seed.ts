import type { Firestore } from '@google-cloud/firestore';
import { students, type Student } from './model/student.ts';

export interface SeedOptions {
  /** How many students to write. */
  readonly count: number;
  /** The program that two of five students take part in. */
  readonly program: string;
  /** The same number gives the same students; 1 by default. */
  readonly seed?: number;
}

/**
 * Fills the collection of students; writing them again changes nothing.
 *
 * @returns how many of them are in the program
 */
export async function seedStudents(db: Firestore, options: SeedOptions): Promise<number> {
  // Its throttling follows what the cloud can take from a cold start; an emulator needs none.
  const writer = db.bulkWriter({ throttling: false });
  let members = 0;
  const written: Promise<unknown>[] = [];
  for (const { id, student } of inventStudents(options)) {
    if (student.program === options.program) members++;
    written.push(writer.set(students(db).doc(id), student));
  }
  await writer.close();
  await Promise.all(written);
  return members;
}

/** Students of whom exactly two in each five, in turn, are in the program. */
export function* inventStudents({
  count,
  program,
  seed = 1,
}: SeedOptions): Generator<{ id: string; student: Student }> {
  const random = mulberry32(seed);
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  for (let index = 0; index < count; index++) {
    const [first, last] = [pick(firstNames), pick(lastNames)];
    const id = Array.from({ length: 20 }, () => pick(letters)).join('');
    const student = {
      program: index % 5 < 2 ? program : pick(otherPrograms),
      name: `${first} ${last}`,
      email: `${first}.${last}.${index + 1}@students.example`.toLowerCase(),
      university: pick(universities),
    };
    yield { id, student };
  }
}

const letters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');
const firstNames = [
  'Ada',
  'Alan',
  'Anita',
  'Barbara',
  'Donald',
  'Edsger',
  'Frances',
  'Grace',
  'John',
  'Katherine',
  'Radia',
  'Tony',
];
const lastNames = [
  'Allen',
  'Borg',
  'Dijkstra',
  'Hoare',
  'Hopper',
  'Johnson',
  'Knuth',
  'Liskov',
  'Lovelace',
  'McCarthy',
  'Perlman',
  'Turing',
];
const universities = [
  'Aarhus',
  'Accra',
  'Bogotá',
  'Coimbra',
  'Delft',
  'Hyderabad',
  'Kyoto',
  'Montréal',
  'Nairobi',
  'Tartu',
];
const otherPrograms = ['gsoc2025', 'gci2025', 'outreach2026'];

/** A small generator of numbers in [0, 1), the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
