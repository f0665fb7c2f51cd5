import type * as sqlite from 'node:sqlite';

/**
 * Loads `node:sqlite`, when it is first needed. The earlier versions of Node 24 then warn that it is experimental, which is of no use
 * to whoever runs the emulator; that one warning is swallowed, and every other comes through.
 */
export function nodeSqlite(): typeof sqlite {
  const emitWarning = Reflect.get(process, 'emitWarning') as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (args[1] === 'ExperimentalWarning' && String(args[0]).includes('SQLite')) return;
    Reflect.apply(emitWarning, process, args);
  };
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
