import { invalidArgument, invalidField } from '../core/faults.ts';
import { checkLocationName } from '../core/names.ts';

const NAME = /^(projects\/[^/]+\/locations\/[^/]+)\/cmekConfig$/;
const KEY = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/;

/** The key that a location's tasks are said to be encrypted with; the emulator encrypts nothing. Kept in memory. */
export interface CmekConfig {
  readonly name: string;
  /** Empty: Google's own keys. */
  readonly kmsKey: string;
}

export class CmekOperations {
  readonly #keys = new Map<string, string>();

  forgetAll(): void {
    this.#keys.clear();
  }

  /** The keys that were set, by the name of their config. */
  all(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#keys);
  }

  get(name: string): CmekConfig {
    checkName(name);
    return { name, kmsKey: this.#keys.get(name) ?? '' };
  }

  update(config: CmekConfig): CmekConfig {
    this.check(config);
    this.#keys.set(config.name, config.kmsKey);
    return config;
  }

  check({ name, kmsKey }: CmekConfig): void {
    checkName(name);
    if (kmsKey !== '' && !KEY.test(kmsKey)) {
      throw invalidField(
        'cmek_config.kms_key',
        `"${kmsKey}" is no key; write projects/P/locations/L/keyRings/R/cryptoKeys/K.`,
      );
    }
  }
}

function checkName(name: string): void {
  const [, location] = NAME.exec(name) ?? [];
  if (location === undefined) {
    throw invalidArgument(
      'CMEK config name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/cmekConfig".',
    );
  }
  checkLocationName(location);
}
