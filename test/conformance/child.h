/* test/conformance: families: what parents and children have recorded, and who takes up those that
 * were started. */
#ifndef TEST_CONFORMANCE_CHILD_H
#define TEST_CONFORMANCE_CHILD_H

#include "conformance/stage.h"

/* Every recorded step of every run, "run position kind name outcome value", the runs by name. */
static inline void assert_family_rows(stage *it, const char *rows, const char *file, int line)
{
    static const char query[] =
        "SELECT coalesce(group_concat(line, ''), '') FROM (SELECT run_id || ' ' || position || ' '"
        " || kind || ' ' || name || ' ' || outcome || ' ' || quote(value) || char(10) AS line"
        " FROM durable_steps_view ORDER BY run_id, position)";
    sqlite3 *db = it->by_worker ? it->host.other : it->host.db;
    sqlite3_stmt *statement = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, query, -1, &statement, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    _assert_string_equal(rows, (const char *)sqlite3_column_text(statement, 0), file, line);
    sqlite3_finalize(statement);
}

static inline int call(dur_run *run, stage *it, const char *name, dur_workflow *fn,
                       dur_value *result)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    options.input = dur_input(run);
    return dur_call(run, name, &options, fn, it, result);
}

/* A workflow's end: what the child gave is the output; a failure is not caught. */
static inline int give_child(dur_run *run, stage *it, const char *name, dur_workflow *fn)
{
    dur_value value = dur_null();

    if (call(run, it, name, fn, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

#define assert_family(it, rows) assert_family_rows((it), (rows), __FILE__, __LINE__)

#endif
