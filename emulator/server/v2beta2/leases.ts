import type { protos } from '@google-cloud/tasks';
import type { Task } from '../../core/model.ts';
import type { Engine } from '../../engine/engine.ts';
import { taskToProto, viewFromProto } from '../messages/task.ts';
import { durationFromProto, instantFromProto } from '../messages/time.ts';
import type { Rpc } from '../rpc.ts';
import type { Plain } from '../schema.ts';
import { taskTo } from './task.ts';

type V2Beta2 = typeof protos.google.cloud.tasks.v2beta2;
type RequestOf<
  Name extends 'LeaseTasksRequest' | 'AcknowledgeTaskRequest' | 'RenewLeaseRequest' | 'CancelLeaseRequest',
> = Partial<InstanceType<V2Beta2[Name]>>;

/** What only v2beta2 has: the methods of pull queues. */
export function leaseRpcs({ leases }: Engine): Record<string, Rpc> {
  return {
    LeaseTasks: (request) => {
      const { parent, maxTasks, leaseDuration, responseView, filter } =
        request as RequestOf<'LeaseTasksRequest'>;
      const show = shownAs(responseView);
      const tasks = leases.lease(parent ?? '', {
        maxTasks: maxTasks ?? 0,
        leaseMs: durationFromProto(leaseDuration, 'lease_duration'),
        filter: filter ?? '',
      });
      return { tasks: tasks.map(show) };
    },
    AcknowledgeTask: (request) => {
      const { name, scheduleTime } = request as RequestOf<'AcknowledgeTaskRequest'>;
      leases.acknowledge(name ?? '', instantFromProto(scheduleTime, 'schedule_time'));
      return {};
    },
    RenewLease: (request) => {
      const { name, scheduleTime, leaseDuration, responseView } = request as RequestOf<'RenewLeaseRequest'>;
      const show = shownAs(responseView);
      const leaseMs = durationFromProto(leaseDuration, 'lease_duration');
      return show(leases.renew(name ?? '', instantFromProto(scheduleTime, 'schedule_time'), leaseMs));
    },
    CancelLease: (request) => {
      const { name, scheduleTime, responseView } = request as RequestOf<'CancelLeaseRequest'>;
      const show = shownAs(responseView);
      return show(leases.cancel(name ?? '', instantFromProto(scheduleTime, 'schedule_time')));
    },
  };
}

function shownAs(responseView: string | number | null | undefined): (task: Task) => Plain {
  const view = viewFromProto(responseView);
  return (task) => taskTo(taskToProto(task, view));
}
