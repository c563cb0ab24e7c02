/* history: the text form of a log, as durable.h documents it. */
#ifndef DURABLE_FORMAT_H
#define DURABLE_FORMAT_H

#include "store/store.h"

#define DURABLE_FORMAT_VERSION 1

#endif
