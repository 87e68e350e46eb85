/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All of libtrapline's public headers. */
#ifndef TRAPLINE_TRAPLINE_H
#define TRAPLINE_TRAPLINE_H

#include <trapline/broker.h>
#include <trapline/caps.h>
#include <trapline/decode.h>
#include <trapline/engine.h>
#include <trapline/error.h>
#include <trapline/raw_regs.h>
#include <trapline/maps.h>
#include <trapline/probe.h>
#include <trapline/session.h>
#include <trapline/site.h>
#include <trapline/stack.h>
#include <trapline/state.h>
#include <trapline/task.h>
#include <trapline/types.h>

#endif
