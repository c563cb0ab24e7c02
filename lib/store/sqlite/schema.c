/* store/sqlite: the log's tables, column by column. */
#include "store/sqlite/schema.h"

/*
 * The tables are a public format. No STRICT, no generated columns, nothing that an older SQLite
 * could not read; no foreign keys, which would change with the host's settings, and no trigger that
 * a step would meet. Times are Unix ms. @ stands for the schema.
 *
 * durable_log, one row
 *   schema_version   the version of these tables
 *   min_reader       the lowest schema version a library must know to read them
 *   min_writer       and to write them
 *   created          when
 *   library          the version of the library that made them
 *
 * durable_runs, one row a run; nothing in it changes when a step is recorded
 *   run              small key, never given again while rows of it remain
 *   epoch, token     the fence of the last claim that was given back; while the run is claimed the
 *                    one in durable_claims counts
 *   status           1 running, 2 completed, 3 failed, 4 parked, 5 suspended, 6 cancelled, 7 timed
 *                    out, 8 continued as new, 9 terminated; a run that has a row in durable_claims
 *                    is running, whatever stands here
 *   claims           claims in a row without a new step row, up to that claim
 *   request          what somebody asked of the run: 0 nothing; bit 1 to end, bit 2 to pause
 *   id, uid          the host's name for the run; 32 random hex digits, never used twice
 *   workflow         the name of the workflow
 *   code_version     what the host called its code when the run started, or null
 *   behaviour        the number of the library's behaviour that the run was started under
 *   parent, called_at   the run that calls or started this child, and at which position; or null
 *   root             of a child that is called: the run that workers take up for it; or null
 *   on_parent_end    what becomes of a started child when its parent ends: 0 it is waited for,
 *                    1 it is asked to end, 2 it is left alone
 *   depth            of nested children; 0: no child
 *   generation       how many runs its chain of continuations has had, this one included
 *   origin           the run that it continues, or that it was restarted from; or null
 *   restarted_at     at which position it was; or null
 *   deadline         when the run is to end, or null
 *   queue, priority  which workers take the run up, and with which precedence: 0 to 7; the queue of
 *                    a child that is called is ""
 *   due              when they do; null where it has ended, is parked, paused, suspended without
 *                    limit, or was never left by its first owner
 *   awaits           the addresses of the signals that make a suspended run due, each between
 *                    newlines: "\napproval\ncancel\n"; or null
 *                    status, due, awaits and failure are those of the time before, while the run is
 *                    claimed
 *   created, ended   ended is null while the run is not ended
 *   input_format, input, output_format, output   values; see the formats below
 *   failure          why it failed; the report of a parked run; or null
 *
 * durable_claims, one row a run that somebody holds now; few and small, so that the fence, which
 * every record looks at, is in memory however many runs there are
 *   run              the run; deleting a run deletes its claim and its steps
 *   epoch, token     the fence: counted up, and drawn at random, by each claim
 *   owner            the mark of who holds it: version, boot, pid namespace, pid, start time of the
 *                    process, nonce
 *   lease_end        when the claim ends unless it is renewed
 *   claims           claims in a row without a new step row, this one included
 *   queue, workflow  of the run
 *
 * durable_steps, one row a recorded step; rows are only ever added
 *   step             run * 134217728 + position; positions count from 1
 *   kind             1 step, 2 timer, 3 receive, 4 select, 5 callback, 6 child, 7 undo of an
 *                    earlier step, 8 the run was asked to end or met its deadline, 9 a patch
 *                    marker; negative where it failed, and the value is the message
 *   name             checked on replay
 *   format, value    null: as it stands; 1: the integer holds the bits of a NaN; 2: the integer
 *                    holds the bits of an unsigned integer above 9223372036854775807; 3: the blob
 *                    holds text that is no UTF-8 or has NUL bytes; 4, in this table only, and with
 *                    a null value and a positive kind: it timed out; 16 to 19: the blob holds a C
 *                    object, + 1 of a big-endian machine, + 2 of one with 64-bit pointers
 *   low              the lowest position that was open when the row was written: all positions
 *                    below it have rows
 *   epoch            of the claim that recorded it; 0: it was copied by a restart
 *   attempt          which attempt the outcome is of, from 1; of a batch's branch: which of them
 *                    this was to end
 *   began, took      when the step began, and for how many ms
 *   fingerprint      of the step's input, an unsigned 64-bit number as a signed one; or null
 *   site             "file.c:12" of the call, or null
 *
 * durable_pending, one row a position that has no outcome yet and something to be remembered; the
 * outcome's commit deletes it
 *   step             as in durable_steps
 *   kind, name       likewise; the kind is positive
 *   intent           of a step that may run at most once: 1 its body is about to run, or ran; 2 and
 *                    3 a person's answer, which is the value, or the failure; else 0
 *   attempt          attempts that have ended without an outcome
 *   began            the first attempt, or the wait
 *   due              when to go on; 0: at once; or null
 *   deadline         of a callback, whatever its heartbeats, or of a step, with all its attempts;
 *                    or null
 *   interval         of a callback's heartbeats in ms; 0: none
 *   choice           of a select: the case whose time `due` is; of a child: 1 if it was started and
 *                    not called
 *   format, value    how far a step has come; see above
 *   failure          why the last attempt failed, or null
 *
 * durable_signals, one row a signal that was sent and not received; those that have a key stay when
 * they are received, so that none with that key is sent again. To send one by hand:
 * INSERT INTO durable_signals(run, name, value, sent) VALUES(…)
 *   signal           small key; they are received in its order
 *   run              to which run
 *   name             its address: the signal's name; or a tab and the position of a callback
 *   key              the sender's, or null
 *   format, value    see above; null once it was received
 *   failure          the message of a rejection, or null
 *   sent             when; what is no integer, sent by hand, counts as now, and is read as 0
 *   received         by which position, or null
 *
 * durable_queues, one row a queue that somebody has given limits; 0 is none
 *   queue            its name
 *   max_active, max_active_process   runs claimed at once: in all, and by one process
 *   interval_us      at least so many us from one claim to the next
 *   next_us          no claim before the ms that this lies in, Unix us
 *
 * The indexes answer: what is due next of this queue, workflow and priority; whose claim of this
 * queue ends next; which signal is next; which children a run has, and which of them have not
 * ended; which run below it is due first; which run ended first; what came of a run. Runs that have
 * not ended, are not to be taken up, and are no children, stand in none.
 *
 * The key packs run and position into one integer because that is the cheapest b-tree key there
 * is: one seek to append, one range to replay, nothing else to maintain (see test/bench, shapes).
 */
static const char *const schema_objects[] = {
    ("CREATE TABLE IF NOT EXISTS @durable_log(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " schema_version INTEGER NOT NULL, min_reader INTEGER NOT NULL, min_writer INTEGER NOT NULL,"
    " created INTEGER NOT NULL, library TEXT NOT NULL)"),

    ("CREATE TABLE @durable_runs(run INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " token INTEGER NOT NULL, status INTEGER NOT NULL, claims INTEGER NOT NULL,"
    " request INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,"
    " workflow TEXT NOT NULL, code_version TEXT, behaviour INTEGER NOT NULL, parent INTEGER,"
    " called_at INTEGER, root INTEGER, on_parent_end INTEGER NOT NULL DEFAULT 0,"
    " depth INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 1,"
    " origin INTEGER, restarted_at INTEGER, deadline INTEGER, queue TEXT NOT NULL,"
    " priority INTEGER NOT NULL, due INTEGER, created INTEGER NOT NULL,"
    " ended INTEGER, input_format INTEGER, input,"
    " output_format INTEGER, output, failure TEXT, awaits TEXT)"),

    ("CREATE TABLE @durable_claims(run INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " token INTEGER NOT NULL, owner TEXT NOT NULL, lease_end INTEGER NOT NULL,"
    " claims INTEGER NOT NULL, queue TEXT NOT NULL, workflow TEXT NOT NULL)"),

    ("CREATE TABLE @durable_steps(step INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
     " name TEXT NOT NULL, format INTEGER, value,"
     " low INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,"
     " began INTEGER NOT NULL, took INTEGER NOT NULL, fingerprint, site TEXT)"),

    ("CREATE TABLE @durable_pending(step INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " name TEXT NOT NULL, attempt INTEGER NOT NULL, began INTEGER NOT NULL, due INTEGER,"
    " deadline INTEGER, interval INTEGER NOT NULL, choice INTEGER NOT NULL, format INTEGER, value,"
    " failure TEXT, intent INTEGER NOT NULL DEFAULT 0)"),

    ("CREATE TABLE @durable_signals(signal INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " name TEXT NOT NULL, key TEXT, format INTEGER, value, failure TEXT, sent INTEGER NOT NULL,"
    " received INTEGER)"),

    ("CREATE TABLE @durable_queues(queue TEXT PRIMARY KEY, max_active INTEGER NOT NULL,"
    " max_active_process INTEGER NOT NULL, interval_us INTEGER NOT NULL,"
    " next_us INTEGER NOT NULL)"),

    /* For whoever deletes a run: what is its own goes with it, and its owner loses it. (Where the
     * host has switched triggers off, the owner finds out when it ends the run, and dur_delete()
     * does the same by hand; see deletion.c.) */
    ("CREATE TRIGGER @durable_run_deleted AFTER DELETE ON durable_runs BEGIN"
     " DELETE FROM durable_claims WHERE run = old.run;"
     " DELETE FROM durable_pending"
     " WHERE step BETWEEN old.run << 27 AND (old.run << 27) + 134217727;"
     " DELETE FROM durable_signals WHERE run = old.run AND received IS NULL;"
     " DELETE FROM durable_signals WHERE run = old.run AND key NOT NULL;"
     " DELETE FROM durable_steps"
     " WHERE step BETWEEN old.run << 27 AND (old.run << 27) + 134217727; END"),

    /* The children that it calls go with it, what continues it or was restarted from it forgets it,
     * and a parent that awaits it is told. Most runs have none of these, and the tables that SQLite
     * makes for the statements here cost more than all of the above: so they stand behind a
     * condition. Triggers do not call themselves, unless the host wants it: what is below the run
     * is deleted here, run by run. */
#define OF_RUNS_BELOW(column)                                                                      \
    " WHERE " column " IN (SELECT run FROM durable_runs WHERE root = old.run);"
#define KEYS_BELOW(table)                                                                          \
    " WHERE step IN (SELECT k.step FROM durable_runs AS r CROSS JOIN " table " AS k"               \
    " ON k.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727 WHERE r.root = old.run);"
#define IS_AWAITED "old.parent NOT NULL AND old.root IS NULL AND old.ended IS NULL"
    ("CREATE TRIGGER @durable_relative_deleted AFTER DELETE ON durable_runs"
     " WHEN (" IS_AWAITED ") OR EXISTS(SELECT 1 FROM durable_runs WHERE root = old.run)"
     " OR EXISTS(SELECT 1 FROM durable_runs WHERE origin = old.run) BEGIN"
     " UPDATE durable_runs SET origin = NULL WHERE origin = old.run;"
     " DELETE FROM durable_claims" OF_RUNS_BELOW("run")
     " DELETE FROM durable_pending" KEYS_BELOW("durable_pending")
     " DELETE FROM durable_signals" OF_RUNS_BELOW("received IS NULL AND run")
     " DELETE FROM durable_signals" OF_RUNS_BELOW("key NOT NULL AND run")
     " DELETE FROM durable_steps" KEYS_BELOW("durable_steps")
     " DELETE FROM durable_runs WHERE root = old.run;"
     " INSERT INTO durable_signals(run, name, failure, sent)"
     " SELECT run, char(9) || old.called_at, 'the child was deleted',"
     " CAST(strftime('%s', 'now') AS INTEGER) * 1000 FROM durable_runs"
     " WHERE " IS_AWAITED " AND run = old.parent AND status IN (1, 4, 5); END"),

    /* Sending is one statement, whoever sends: the run that waits for it is due; now, where whoever
     * sent by hand gave a time that is no number of ms. (Where the host has switched triggers off,
     * we do the same ourselves; see signals.c.) */
#define SENT_MS                                                                                    \
    "CASE typeof(new.sent) WHEN 'integer' THEN new.sent"                                           \
    " ELSE CAST(strftime('%s', 'now') AS INTEGER) * 1000 END"
    ("CREATE TRIGGER @durable_signal_sent AFTER INSERT ON durable_signals"
     " WHEN new.received IS NULL BEGIN"
     " UPDATE durable_runs SET due = " SENT_MS " WHERE run = new.run AND status = 5"
     " AND request & 2 = 0 AND (due IS NULL OR due > " SENT_MS ")"
     " AND instr(awaits, char(10) || new.name || char(10));"
     " UPDATE durable_runs SET due = " SENT_MS " WHERE run = (SELECT root FROM durable_runs"
     " WHERE run = new.run AND status = 5 AND instr(awaits, char(10) || new.name || char(10)))"
     " AND status = 5 AND request & 2 = 0 AND (due IS NULL OR due > " SENT_MS "); END"),

#define READABLE_VALUE(format, value)                                                              \
    "CASE " format " WHEN 1 THEN 'NaN' WHEN 2 THEN printf('%llu', " value ") ELSE " value " END"
#define READABLE_TIME(ms)                                                                          \
    "strftime('%Y-%m-%d %H:%M:%f', " ms " / 1000.0, 'unixepoch')"
#define READABLE_KIND(kind)                                                                        \
    "CASE abs(" kind ") WHEN 1 THEN 'step' WHEN 2 THEN 'timer' WHEN 3 THEN 'receive'"              \
    " WHEN 4 THEN 'select' WHEN 5 THEN 'callback' WHEN 6 THEN 'child' WHEN 7 THEN 'undo'"          \
    " WHEN 8 THEN 'cancel' WHEN 9 THEN 'patch' ELSE " kind " END"
#define READABLE_ADDRESSES(text) "replace(" text ", char(9), 'callback ')"

    ("CREATE VIEW @durable_runs_view AS SELECT r.id AS id, r.workflow AS workflow,"
    " CASE iif(c.run, 1, r.status) WHEN 1 THEN 'running' WHEN 2 THEN 'completed'"
    " WHEN 3 THEN 'failed' WHEN 4 THEN 'parked' WHEN 5 THEN 'suspended' WHEN 6 THEN 'cancelled'"
    " WHEN 7 THEN 'timed out' WHEN 8 THEN 'continued' WHEN 9 THEN 'terminated'"
    " ELSE r.status END"
    " AS status, r.queue AS queue, r.priority AS priority, "
    READABLE_TIME("iif(c.run, NULL, r.due)") " AS wakes, "
    "iif(c.run, NULL, " READABLE_ADDRESSES("replace(trim(r.awaits, char(10)), char(10), ', ')")
    ") AS awaits,"
    " (SELECT count(*) FROM durable_steps AS s"
    " WHERE s.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727) AS steps,"
    " coalesce(c.epoch, r.epoch) AS claims, c.owner AS owner, "
    READABLE_TIME("c.lease_end") " AS lease_end, "
    READABLE_TIME("r.created") " AS created, " READABLE_TIME("r.ended") " AS ended, "
    READABLE_VALUE("r.input_format", "r.input") " AS input, "
    READABLE_VALUE("r.output_format", "r.output") " AS output,"
    " iif(c.run, NULL, r.failure) AS failure, "
    "(SELECT p.id FROM durable_runs AS p WHERE p.run = r.parent) AS parent, "
    READABLE_TIME("r.deadline") " AS deadline, r.request & 1 AS cancelling,"
    " r.request >> 1 & 1 AS paused,"
    " (SELECT o.id FROM durable_runs AS o WHERE o.run = r.origin) AS origin,"
    " r.restarted_at AS restarted_at, r.generation AS generation,"
    " r.code_version AS code_version, r.uid AS uid,"
    " r.run AS run FROM durable_runs AS r LEFT JOIN durable_claims AS c ON c.run = r.run"),

    ("CREATE VIEW @durable_steps_view AS SELECT r.id AS run_id, s.step & 134217727 AS position,"
    " s.name, " READABLE_KIND("s.kind") " AS kind, CASE WHEN s.kind < 0 THEN 'failure'"
    " WHEN s.format = 4 THEN 'timed out' ELSE 'result' END AS outcome, "
    READABLE_VALUE("s.format", "s.value") " AS value, " READABLE_TIME("s.began") " AS began,"
    " s.took AS took_ms, s.epoch, s.attempt,"
    " iif(s.fingerprint IS NULL, NULL, printf('%llu', s.fingerprint)) AS fingerprint, s.site"
    " FROM durable_runs AS r JOIN durable_steps AS s"
    " ON s.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727"),

    ("CREATE VIEW @durable_pending_view AS SELECT r.id AS run_id, p.step & 134217727 AS position,"
    " p.name AS name, " READABLE_KIND("p.kind") " AS kind, p.attempt AS attempts, "
    READABLE_TIME("p.began") " AS began, " READABLE_TIME("nullif(p.due, 0)") " AS wakes, "
    READABLE_TIME("p.deadline") " AS deadline, nullif(p.interval, 0) AS heartbeat_ms, "
    READABLE_VALUE("p.format", "p.value") " AS details, p.failure AS failure,"
    " CASE p.intent WHEN 0 THEN NULL WHEN 1 THEN 'begun' ELSE 'resolved' END AS intent"
    " FROM durable_runs AS r JOIN durable_pending AS p"
    " ON p.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727"),

    ("CREATE VIEW @durable_signals_view AS SELECT r.id AS run_id, "
    READABLE_ADDRESSES("s.name") " AS name, s.key AS key, "
    READABLE_VALUE("s.format", "s.value") " AS value, s.failure AS failure, "
    READABLE_TIME("s.sent") " AS sent, s.received AS received_at, s.signal AS signal"
    " FROM durable_signals AS s JOIN durable_runs AS r ON r.run = s.run"),
};

/* CREATE INDEX makes SQLite prepare every statement of the connection anew, also those that undo a
 * group, which must not need memory: so each stands alone, behind the group that makes the log. */
static const char *const schema_indexes[] = {
    ("CREATE INDEX IF NOT EXISTS @durable_runs_due"
    " ON durable_runs(queue, workflow, priority, due) WHERE due NOT NULL"),
    ("CREATE INDEX IF NOT EXISTS @durable_claims_by_queue"
    " ON durable_claims(queue, owner, workflow, lease_end)"),
    ("CREATE INDEX IF NOT EXISTS @durable_runs_by_parent"
    " ON durable_runs(parent, ended) WHERE parent NOT NULL"),
    ("CREATE INDEX IF NOT EXISTS @durable_runs_by_root"
    " ON durable_runs(root, due) WHERE root NOT NULL"),
    ("CREATE INDEX IF NOT EXISTS @durable_runs_by_origin"
    " ON durable_runs(origin) WHERE origin NOT NULL"),
    ("CREATE INDEX IF NOT EXISTS @durable_runs_ended"
    " ON durable_runs(ended) WHERE ended NOT NULL AND root IS NULL"),
    ("CREATE INDEX IF NOT EXISTS @durable_signals_sent"
    " ON durable_signals(run, name) WHERE received IS NULL"),
    ("CREATE UNIQUE INDEX IF NOT EXISTS @durable_signals_by_key"
    " ON durable_signals(run, name, key) WHERE key NOT NULL"),
};

/* Every column that we use. */
static const struct {
    const char *what;
    const char *query;
} probes[] = {
    {"a durable_runs",
     "SELECT run, epoch, token, status, claims, request, id, uid, workflow, code_version,"
     " behaviour, parent, called_at, root, on_parent_end, depth, deadline, queue, priority, due,"
     " created, ended, input_format, input,"
     " output_format, output, failure, awaits FROM @durable_runs"},
    {"a durable_claims",
     "SELECT run, epoch, token, owner, lease_end, claims, queue, workflow FROM @durable_claims"},
    {"a durable_steps",
     "SELECT step, kind, name, format, value, low, epoch, attempt, began, took,"
     " fingerprint, site FROM @durable_steps"},
    {"a durable_pending",
     "SELECT step, kind, name, attempt, began, due, deadline, interval, choice, format, value,"
     " failure, intent FROM @durable_pending"},
    {"a durable_signals",
     "SELECT signal, run, name, key, format, value, failure, sent, received"
     " FROM @durable_signals"},
    {"a durable_queues",
     "SELECT queue, max_active, max_active_process, interval_us, next_us FROM @durable_queues"},
};

DURABLE_INTERNAL const char *durable_schema_object(size_t index)
{
    return index < sizeof schema_objects / sizeof schema_objects[0] ? schema_objects[index] : NULL;
}

DURABLE_INTERNAL const char *durable_schema_index(size_t index)
{
    return index < sizeof schema_indexes / sizeof schema_indexes[0] ? schema_indexes[index] : NULL;
}

DURABLE_INTERNAL const char *durable_schema_probe(size_t index, const char **what)
{
    if (index >= sizeof probes / sizeof probes[0]) return NULL;
    *what = probes[index].what;
    return probes[index].query;
}
