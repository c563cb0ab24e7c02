/* base: a flag that a signal handler or another thread may raise; a count that threads share. */
#ifndef DURABLE_ATOMIC_H
#define DURABLE_ATOMIC_H

#include "base/base.h"

#if defined(__STDC_NO_ATOMICS__) || (defined(_MSC_VER) && !defined(__clang__))
#include <signal.h>
typedef volatile sig_atomic_t durable_atomic_flag;
#define durable_flag_raise(flag) (*(flag) = 1)
#define durable_flag_lower(flag) (*(flag) = 0)
#define durable_flag_is_up(flag) (*(flag) != 0)
#if defined(_MSC_VER)
#include <intrin.h>
typedef volatile long durable_atomic_count;
#define durable_count_next(count) ((size_t)_InterlockedIncrement(count))
#else
typedef size_t durable_atomic_count; /* such a compiler has no threads either */
#define durable_count_next(count) (++*(count))
#endif
#else
#include <stdatomic.h>
/* durable_count_next() gives 1 to the first who asks, 2 to the second, … */
typedef atomic_size_t durable_atomic_count;
#define durable_count_next(count) (atomic_fetch_add((count), 1) + 1)
typedef atomic_int durable_atomic_flag; /* lock-free wherever a signal may be caught */
#define durable_flag_raise(flag) atomic_store((flag), 1)
#define durable_flag_lower(flag) atomic_store((flag), 0)
#define durable_flag_is_up(flag) (atomic_load(flag) != 0)
#endif

#endif
