/* test/bench: which shape of table, and which place for the fence: raw SQLite against itself. */
#ifndef DURABLE_SHAPES_H
#define DURABLE_SHAPES_H

#include "bench.h"

/* Rows shape.<what>.<shape>.<fence>, against the packed key without a fence, and
 * shape.<what>.<shape>.<fence>-fence, against the same shape without one. */
void bench_shapes(const bench_options *options);

/* In the program executed again under callgrind: `arguments` is what bench_shapes() gave. */
void bench_shapes_counted(const bench_options *options, char **arguments);

#endif
