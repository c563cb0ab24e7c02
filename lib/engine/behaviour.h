/*
 * engine: the numbers of the library's behaviour, and what each of them means.
 *
 * A run keeps the number that it was started with, in durable_runs.behaviour. New runs get the
 * largest. Where the library of today acts otherwise than that of yesterday, a run of yesterday
 * goes on in the old way, whoever executes it; and whoever does not know a run's number leaves the
 * run to those who do: DUR_VERSION_TOO_NEW.
 *
 *   number | since | what it means
 *   -------|-------|--------------------------------------------------------------------------
 *        1 | 0.1.0 | as durable.h of that version says
 *
 * A child that a run calls is a part of it, and has its number, however often it begins anew. One
 * that it starts, and a run that continues it, are new ones. A run that is restarted or imported
 * keeps the number of the rows that it got.
 *
 * Which change needs a number: one after which the same function, on the same log, would ask for
 * another position, kind or name, write another row for the same call, or take a row that is there
 * for something else. None is needed for what a step's body sees, for messages and speed, for
 * whom a worker takes up next, for a new public function, or for a table's new column, which has
 * the schema's version.
 *
 * How a new one is added:
 *   1. It gets a row in the table above, and a name below, at the end: DURABLE_BEHAVIOUR follows.
 *   2. The code asks run->behaviour where the ways part: `run->behaviour >= DURABLE_BEHAVIOUR_…`,
 *      never DURABLE_BEHAVIOUR itself.
 *   3. The old way stays, and so do its tests: they set log->behaviour, which gives the number of
 *      what is started on a log, and is the largest that the log executes.
 *   4. test/compat/golden keeps the recordings of the number before, and gets new ones beside them.
 * A number is never taken back: runs of it may sleep for years.
 */
#ifndef DURABLE_BEHAVIOUR_H
#define DURABLE_BEHAVIOUR_H

enum durable_behaviour {
    DURABLE_BEHAVIOUR_FIRST = 1,
    DURABLE_BEHAVIOUR_END_, /* one behind the last */
    DURABLE_BEHAVIOUR = DURABLE_BEHAVIOUR_END_ - 1
};

#endif
