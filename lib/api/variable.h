/* api: between the variable of a DUR_STEP and a value. */
#ifndef DURABLE_VARIABLE_H
#define DURABLE_VARIABLE_H

#include "base/value.h"

/* What the variable holds, its bytes where they lie. `type` is one of DUR_VAR_…_, `size` its
 * sizeof. */
DURABLE_INTERNAL dur_value durable_variable_read(const void *variable, size_t size, int type);

/* Set the variable to a recorded value. False, and the variable is zero, where it does not fit. */
DURABLE_INTERNAL bool durable_variable_write(void *variable, size_t size, int type,
                                             dur_value value);

/* Zero; text is "". */
DURABLE_INTERNAL void durable_variable_clear(void *variable, size_t size, int type);

/* "int32_t", "char[16]", … for messages. */
DURABLE_INTERNAL void durable_variable_describe(char *text, size_t text_size, size_t size,
                                                int type);

#endif
