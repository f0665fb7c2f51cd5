import type { Command } from 'commander';
import { newCommand, newGroup, type CommonOptions } from '../command.ts';
import { askEmulator } from '../emulator-admin.ts';
import { readTextFile, writeTextFile } from '../files.ts';
import { print, printJson } from '../output.ts';

export function snapshotCommand(): Command {
  const group = newGroup(
    'snapshot',
    'keep all that the Cloud Tasks emulator holds in a file, and put it back',
    'snapshot save before.json',
  );
  group.addCommand(
    newCommand('save', 'write everything that is there now to a file', 'snapshot save before.json')
      .argument('<file>', 'where to, - for standard output')
      .action(save),
  );
  group.addCommand(
    newCommand(
      'restore',
      'put what a file holds in the place of all that is there',
      'snapshot restore before.json',
    )
      .argument('<file>', 'what `snapshot save` wrote, - for standard input')
      .action(restore),
  );
  return group;
}

async function save(file: string, options: CommonOptions): Promise<void> {
  const text = await askEmulator(options, '/snapshot');
  await writeTextFile(file, `${text}\n`);
  if (file !== '-') tell(options, file, text, 'holds');
}

async function restore(file: string, options: CommonOptions): Promise<void> {
  const text = await readTextFile(file);
  await askEmulator(options, '/snapshot:restore', text);
  tell(options, file, text, 'is restored:');
}

function tell(options: CommonOptions, file: string, text: string, verb: string): void {
  const snapshot = JSON.parse(text) as { queues: unknown[]; tasks: unknown[] };
  const [queues, tasks] = [snapshot.queues.length, snapshot.tasks.length];
  if (options.json) return printJson({ file, queues, tasks });
  return print(`${file} ${verb} ${counted(queues, 'queue')} and ${counted(tasks, 'task')}.`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
