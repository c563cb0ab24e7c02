/* examples: recorded_test, the workflow of an order: what its program and its tests need. */
#ifndef ORDER_H
#define ORDER_H

#include <durable.h>

#define ORDER_COOLS_OFF_MS INT64_C(86400000) /* a day */

/* What stands for the world here. */
typedef struct shop {
    int charged; /* how often a card was charged */
    int shipped;
} shop;

/* The input is the number of the card, as text; the output is the number of the payment. */
int order(dur_run *run, void *user);

#endif
