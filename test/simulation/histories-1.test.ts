import { inManyHistories } from './in-many-histories.ts';

inManyHistories(1);
