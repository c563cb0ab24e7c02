/* test/compat: what stands around the examples of durable.h and of the README's fragments: the
 * host's own functions, declared only, and the variables of a workflow: HEADER_STATE in durable.h,
 * STATE in the README. */
#include <durable.h>
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t charge_card(void *user);
void ship_parcel(void *user, int64_t payment);

bool upload(const char *file);
bool ask_bank(int64_t order);
void send_mail(const char *token);

bool reserve_goods(sqlite3 *db, void *shop);
int look_up_payment(dur_step *step, void *shop);
int refund(dur_step *step, void *shop);
int pack(dur_run *run, void *shop);
int order_workflow(dur_run *run, void *shop);
double ask_fraud(void *user);
extern sqlite3 *db;
extern const dur_value parcels[3];
bool move_money(sqlite3 *on, int from, int to, int64_t cents);
extern int from, to;
extern int64_t cents;

void use(dur_value output);
void complain(const char *message);
void leave(void);
void try_later(const char *message);
void come_back_later(void);

#define STATE                                                                                      \
    sqlite3 *db, dur_log *log, dur_run *run, dur_workflow *order, void *user, void *shop,          \
        int64_t next_wake_ms
#define HEADER_STATE                                                                               \
    dur_run *run, void *user, const char *file, int64_t order, bool done, bool paid,               \
        dur_step_options options, dur_step *approval, dur_value answer, dur_log *log, void *shop,  \
        double score, int64_t payment, int64_t balance, dur_testbench *bench, dur_script script,   \
        dur_report *report
