import { describe, expect, test } from 'vitest';
import {
  checkLocationName,
  formatTaskName,
  parseQueueName,
  parseTaskName,
  queueOfTask,
  shortId,
} from '../../../emulator/core/names.ts';
import { apiError, invalidArgument } from '../api-error.ts';
import { LOCATION, QUEUE } from '../samples.ts';

const REFERENCE = 'https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues';

describe('a parent', () => {
  test.each([LOCATION, 'projects/example.com:my-project/locations/us-central1', 'projects/123/locations/x'])(
    '%s is a location',
    (name) => {
      expect(() => checkLocationName(name)).not.toThrow();
    },
  );

  test.each([
    ['projects/my-project', 'my-project'],
    ['projects/my_project/locations/l', 'my_project'],
    ['projects/my-project/locations/a/b', 'my-project'],
    ['projects/my-project/locations/', 'my-project'],
    ['anything', 'anything'],
    ['', ''],
  ])('%j is refused like a project that one may not look into', (name, project) => {
    const message = `Permission denied on resource project ${project}.`;
    expect(() => checkLocationName(name)).toThrow(
      apiError('PERMISSION_DENIED', message, [
        {
          type: 'google.rpc.ErrorInfo',
          value: {
            reason: 'CONSUMER_INVALID',
            domain: 'googleapis.com',
            metadata: {
              consumer: `projects/${project}`,
              containerInfo: project,
              service: 'cloudtasks.googleapis.com',
            },
          },
        },
        { type: 'google.rpc.LocalizedMessage', value: { locale: 'en-US', message } },
        expect.objectContaining({ type: 'google.rpc.Help' }),
      ]),
    );
  });
});

describe('the name of a queue', () => {
  test.each(['a', 'My-Queue-1', 'q'.repeat(100)])('may end in the id %s', (queueId) => {
    expect(parseQueueName(`${LOCATION}/queues/${queueId}`)).toEqual({ location: LOCATION, queueId });
  });

  test.each([
    '',
    'my-queue',
    'queues/q',
    `${LOCATION}/queues/`,
    `${QUEUE}/tasks/t`,
    `/${QUEUE}`,
    `${LOCATION}/Queues/q`,
  ])('is not %j', (name) => {
    expect(() => parseQueueName(name)).toThrow(
      apiError(
        'INVALID_ARGUMENT',
        'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".',
        [
          {
            type: 'google.rpc.Help',
            value: {
              links: [{ description: 'Definition of queue name', url: `${REFERENCE}#Queue.FIELDS.name` }],
            },
          },
        ],
      ),
    );
  });

  test.each(['a_b', 'a b', 'ä', 'q'.repeat(101)])('with the id %j is refused for its id', (queueId) => {
    expect(() => parseQueueName(`${LOCATION}/queues/${queueId}`)).toThrow(
      invalidArgument(
        `Queue ID "${queueId}" can contain only letters ([A-Za-z]), numbers ([0-9]), or hyphens (-). Queue ID must be between 1 and 100 characters.`,
      ),
    );
  });
});

describe('the name of a task', () => {
  test.each(['0', 'a_B-9', 't'.repeat(500)])('may end in the id %s', (taskId) => {
    const name = formatTaskName(QUEUE, taskId);
    expect(parseTaskName(name)).toEqual({ queue: QUEUE, taskId });
    expect(queueOfTask(name)).toBe(QUEUE);
    expect(shortId(name)).toBe(taskId);
  });

  test.each(['', 't', QUEUE, `${QUEUE}/tasks/`, `${LOCATION}/queues/a_b/tasks/t`])('is not %j', (name) => {
    expect(() => parseTaskName(name)).toThrow(
      invalidArgument(
        'Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"',
      ),
    );
  });

  test.each(['x y', 'a/b', 'a.b', 'a\nb', 't'.repeat(501)])(
    'with the id %j is refused for its id',
    (taskId) => {
      expect(() => parseTaskName(`${QUEUE}/tasks/${taskId}`)).toThrow(
        apiError(
          'INVALID_ARGUMENT',
          `Task ID "${taskId}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`,
          [
            {
              type: 'google.rpc.Help',
              value: {
                links: [{ description: 'Definition of task ID', url: `${REFERENCE}.tasks#Task.FIELDS.name` }],
              },
            },
          ],
        ),
      );
    },
  );

  test('whose id is the word for tasks still belongs to its queue', () => {
    expect(queueOfTask(`${LOCATION}/queues/tasks/tasks/tasks`)).toBe(`${LOCATION}/queues/tasks`);
  });
});
