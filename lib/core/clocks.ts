/** How far the clocks of workers, and of whoever gives a command, may be from the queue's; beyond that, some things come too early. */
export const clocksDifferByMs = 5_000;
