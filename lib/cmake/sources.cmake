# The library's sources, room by room, the rooms from the top down: for the build, and in this order
# for the single-file form. A source that is missing here is an error, not a surprise for the linker.
set(durable_sources
    api/batch.c
    api/check.c
    api/child.c
    api/log.c
    api/open.c
    api/run.c
    api/scope.c
    api/send.c
    api/step.c
    api/value.c
    api/variable.c
    api/wait.c
    api/work.c
    engine/attempt.c
    engine/batch.c
    engine/callback.c
    engine/child.c
    engine/choice.c
    engine/claim.c
    engine/closing.c
    engine/deadline.c
    engine/decision.c
    engine/divergence.c
    engine/handle.c
    engine/history.c
    engine/intent.c
    engine/interrupt.c
    engine/job.c
    engine/kept.c
    engine/log.c
    engine/loop.c
    engine/ownership.c
    engine/progress.c
    engine/recall.c
    engine/record.c
    engine/registry.c
    engine/retry.c
    engine/run.c
    engine/select.c
    engine/sending.c
    engine/start.c
    engine/step.c
    engine/summary.c
    engine/suspend.c
    engine/transaction.c
    engine/undo.c
    engine/wait.c
    engine/worker.c
    store/sqlite/connection.c
    store/sqlite/due.c
    store/sqlite/ensure.c
    store/sqlite/fence.c
    store/sqlite/group.c
    store/sqlite/leave.c
    store/sqlite/pending.c
    store/sqlite/queues.c
    store/sqlite/rows.c
    store/sqlite/runs.c
    store/sqlite/schema.c
    store/sqlite/signals.c
    store/sqlite/sqlite_store.c
    store/sqlite/statements.c
    store/sqlite/steps.c
    store/sqlite/transaction.c
    base/arena.c
    base/base.c
    base/clock.c
    base/error.c
    base/process.c
    base/text.c
    base/utf8.c
    base/value.c)

# What a replayed or recorded step goes through; the rest is built for size where the whole is
# optimized.
set(durable_hot_sources
    api/check.c
    api/scope.c
    api/step.c
    api/variable.c
    engine/decision.c
    engine/handle.c
    engine/history.c
    engine/record.c
    engine/step.c
    store/sqlite/connection.c
    store/sqlite/fence.c
    store/sqlite/rows.c
    store/sqlite/steps.c
    store/sqlite/transaction.c
    base/arena.c
    base/clock.c
    base/utf8.c
    base/value.c)

file(GLOB_RECURSE durable_sources_found RELATIVE "${CMAKE_CURRENT_LIST_DIR}/.."
     "${CMAKE_CURRENT_LIST_DIR}/../*.c")
foreach(source IN LISTS durable_sources_found)
  if(NOT source IN_LIST durable_sources AND NOT source MATCHES "^cli/")
    message(FATAL_ERROR "lib/${source} is not listed in lib/cmake/sources.cmake")
  endif()
endforeach()
unset(durable_sources_found)
