/* base: a flag that a signal handler or another thread may raise. */
#ifndef DURABLE_ATOMIC_H
#define DURABLE_ATOMIC_H

#include "base/base.h"

#if defined(__STDC_NO_ATOMICS__) || (defined(_MSC_VER) && !defined(__clang__))
#include <signal.h>
typedef volatile sig_atomic_t durable_atomic_flag;
#define durable_flag_raise(flag) (*(flag) = 1)
#define durable_flag_lower(flag) (*(flag) = 0)
#define durable_flag_is_up(flag) (*(flag) != 0)
#else
#include <stdatomic.h>
typedef atomic_int durable_atomic_flag; /* lock-free wherever a signal may be caught */
#define durable_flag_raise(flag) atomic_store((flag), 1)
#define durable_flag_lower(flag) atomic_store((flag), 0)
#define durable_flag_is_up(flag) (atomic_load(flag) != 0)
#endif

#endif
