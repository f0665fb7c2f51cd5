import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { CliError } from '../error.ts';
import { variable } from '../variable.ts';

/** Google's Firestore emulator as it lies on this machine. */
export interface FirestoreInstallation {
  readonly source: 'gcloud' | 'firebase-tools';
  readonly jar: string;
  /** What follows `java`, up to the emulator's own options. */
  readonly javaArgs: readonly string[];
}

const english = '-Duser.language=en';
const mainClass = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore';

/**
 * Finds the emulator: the component of the gcloud CLI first, then the copy that firebase-tools keeps.
 *
 * @throws CliError `firestore-missing` that says how to get one
 */
export function findFirestoreEmulator(env: NodeJS.ProcessEnv): FirestoreInstallation {
  const found = ofGcloud(env) ?? ofFirebaseTools(env);
  if (found) return found;
  throw new CliError(
    'firestore-missing',
    "Google's Firestore emulator is not on this machine.",
    'Install it with `gcloud components install cloud-firestore-emulator` (or `apt-get install google-cloud-cli-firestore-emulator`), ' +
      'or with `npx firebase-tools setup:emulators:firestore`; or set FIRESTORE_EMULATOR_HOST to one that runs.',
  );
}

/** The Java to run it with. @throws CliError `java-missing` */
export function findJava(env: NodeJS.ProcessEnv): string {
  const home = variable('JAVA_HOME', env);
  if (home) {
    const java = join(home, 'bin', 'java');
    if (isExecutable(java)) return java;
    throw new CliError(
      'java-missing',
      `JAVA_HOME is ${home}, but there is no bin/java in it.`,
      'Point JAVA_HOME at a Java installation, or unset it to use the java on PATH.',
    );
  }
  const java = findOnPath('java', env);
  if (java) return java;
  throw javaMissing();
}

export function javaMissing(): CliError {
  return new CliError(
    'java-missing',
    "Google's Firestore emulator needs Java, and there is no java on PATH.",
    'Install one, for example with `apt-get install default-jre-headless` or `brew install openjdk`, or set JAVA_HOME.',
  );
}

function ofGcloud(env: NodeJS.ProcessEnv): FirestoreInstallation | undefined {
  const gcloud = findOnPath('gcloud', env);
  if (!gcloud) return undefined;
  // On PATH there is often a link only; the components lie beside what it points to.
  const root = dirname(dirname(realpathSync(gcloud)));
  const jar = join(root, 'platform', 'cloud-firestore-emulator', 'cloud-firestore-emulator.jar');
  if (!existsSync(jar)) return undefined;
  return { source: 'gcloud', jar, javaArgs: [english, '-cp', jar, mainClass, 'start'] };
}

function ofFirebaseTools(env: NodeJS.ProcessEnv): FirestoreInstallation | undefined {
  const folder =
    variable('FIREBASE_EMULATORS_PATH', env) ??
    join(variable('HOME', env) ?? homedir(), '.cache', 'firebase', 'emulators');
  if (!existsSync(folder)) return undefined;
  const newest = readdirSync(folder)
    .filter((file) => /^cloud-firestore-emulator-v[\d.]+\.jar$/.test(file))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  if (!newest) return undefined;
  const jar = join(folder, newest);
  return { source: 'firebase-tools', jar, javaArgs: [english, '-cp', jar, mainClass, 'start'] };
}

function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
