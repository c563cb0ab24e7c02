/* test/compat: what stands around the examples of durable.h and of the README's fragments: the
 * host's own functions, declared only, and the variables of a workflow. */
#include <durable.h>
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t charge_card(void *user);
void ship_parcel(void *user, int64_t payment);

void use(dur_value output);
void complain(const char *message);
void leave(void);
void try_later(const char *message);

#define STATE sqlite3 *db, dur_log *log, dur_run *run, dur_workflow *order, void *user, void *shop
