import { expect, test } from 'vitest';
import { readSettings } from '../../lib/settings.ts';

const good = {
  GOOGLE_CLOUD_PROJECT: 'p',
  PAGETURNER_LOCATION: 'europe-west1',
  PAGETURNER_FUNCTIONS_URL: 'https://europe-west1-p.cloudfunctions.net/',
  PAGETURNER_SERVICE_ACCOUNT: 'tasks@p.iam.gserviceaccount.com',
};

test('settings come from the environment; Google is the issuer unless another is named', () => {
  expect(readSettings({ ...good, PAGETURNER_CALLERS: 'a@example.com, b@example.com' })).toEqual({
    project: 'p',
    location: 'europe-west1',
    functionsUrl: 'https://europe-west1-p.cloudfunctions.net',
    serviceAccount: 'tasks@p.iam.gserviceaccount.com',
    callers: ['a@example.com', 'b@example.com'],
    issuer: 'https://accounts.google.com',
  });
});

test('an empty variable counts as one that is not set', () => {
  const empty = { GOOGLE_CLOUD_PROJECT: '', CLOUD_TASKS_EMULATOR_HOST: '', PAGETURNER_ISSUER: '' };
  const settings = readSettings({ ...good, ...empty, GCLOUD_PROJECT: 'q' });
  expect(settings).toMatchObject({ project: 'q', issuer: 'https://accounts.google.com' });
  expect(settings).not.toHaveProperty('tasksEmulatorHost');
  expect(() => readSettings({ ...good, PAGETURNER_LOCATION: '' })).toThrow('PAGETURNER_LOCATION is not set');
});

test('everything that is missing is named at once', () => {
  expect(() => readSettings({})).toThrow(
    /GOOGLE_CLOUD_PROJECT is not set; PAGETURNER_LOCATION is not set; PAGETURNER_FUNCTIONS_URL is not set to a URL; PAGETURNER_SERVICE_ACCOUNT is not set/,
  );
});

test.each([
  [
    { PAGETURNER_ISSUER: 'http://issuer.example' },
    'PAGETURNER_ISSUER must be an https:// URL, or one of this machine',
  ],
  [{ PAGETURNER_ISSUER: 'http://127.0.0.1.example.com' }, 'PAGETURNER_ISSUER must be'],
  [{ PAGETURNER_ISSUER: 'none' }, 'PAGETURNER_ISSUER is not a URL'],
  [{ PAGETURNER_SERVICE_ACCOUNT: 'tasks' }, 'PAGETURNER_SERVICE_ACCOUNT is not an e-mail address'],
  [{ PAGETURNER_CALLERS: 'a@example.com,*' }, 'PAGETURNER_CALLERS'],
])('%j is refused', (change, message) => {
  expect(() => readSettings({ ...good, ...change })).toThrow(message);
});

test.each(['http://127.0.0.1:8123', 'http://localhost:8123', 'http://[::1]:8123'])(
  'the issuer may be this machine: %s',
  (issuer) => {
    expect(readSettings({ ...good, PAGETURNER_ISSUER: issuer }).issuer).toBe(issuer);
  },
);
