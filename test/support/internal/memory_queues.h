/* test/support: the queues of the in-memory store: heads and limits. */
#ifndef MEMORY_QUEUES_H
#define MEMORY_QUEUES_H

#include "support/internal/memory_log.h"

/* Calls back for the first run of each group of the queue, or until that returns other than 0. */
typedef int memory_head_visitor(const memory_run *run, void *context);
void memory_each_due(const memory_log *log, const char *queue, memory_head_visitor *visit,
                     void *context);
void memory_each_held(const memory_log *log, const char *queue, memory_head_visitor *visit,
                      void *context);

void memory_queue_limit(memory_log *log, const char *queue, const durable_limits *limits);
void memory_queue_look(const memory_log *log, const char *queue, const char *process,
                       size_t process_length, durable_queue *found);

/* May the run be claimed within the limits of its queue; and that it was. */
bool memory_queue_admits(const memory_log *log, const memory_run *run, const durable_claim *claim);
void memory_queue_note_claim(memory_log *log, const memory_run *run, const durable_claim *claim);

#endif
