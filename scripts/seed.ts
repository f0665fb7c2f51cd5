/** Fills the Firestore emulator of `pageturner dev` with students: `npm run seed`, or `npm run seed -- 10000`. */
import { Firestore } from '@google-cloud/firestore';
import { CliError } from '../cli/error.ts';
import { findPlace, localFirestoreHost } from '../cli/place.ts';
import { seedStudents } from '../functions/seed.ts';

async function seed(asked = '2500'): Promise<string> {
  const count = Number(asked);
  if (!Number.isInteger(count) || count < 1)
    throw new CliError('usage', `${asked} is no number of students.`, 'Write npm run seed -- 10000.');
  const place = await findPlace({ cloud: false });
  if (place.kind === 'cloud') throw new CliError('refused', 'Only an emulator is filled.');
  // A client without this would write to Google Cloud.
  process.env['FIRESTORE_EMULATOR_HOST'] = await localFirestoreHost(place);
  const db = new Firestore({ projectId: place.project });
  const members = await seedStudents(db, { count, program: 'gsoc2026' });
  await db.terminate();
  return `${count} students are there, ${members} of them in gsoc2026.`;
}

try {
  console.log(await seed(process.argv[2]));
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  console.error(`${error.message}\n${error.nextStep ?? ''}`.trim());
  process.exitCode = error.exitCode;
}
