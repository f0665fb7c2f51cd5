import { startFirestoreEmulator } from '../../cli/local/firestore-emulator.ts';

/** One Firestore emulator serves the whole test run; tests keep apart by project id. */
export default async function setup(): Promise<() => Promise<void>> {
  const emulator = await startFirestoreEmulator({ port: 0 });
  // Test processes start after this and inherit it. No client is to look for Google's machines.
  process.env['FIRESTORE_EMULATOR_HOST'] = emulator.host;
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  return () => emulator.close();
}
