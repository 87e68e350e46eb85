/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The doctor's parts. */
#ifndef TL_CLI_DOCTOR_H
#define TL_CLI_DOCTOR_H

#include "cli.h"

enum verdict { VERDICT_OK, VERDICT_NOTE, VERDICT_BAD };

/* One finding; remedy may be NULL. */
void doctor_row(enum verdict verdict, const char *what, const char *is, const char *remedy);

void doctor_system(void);                  /* doctor_system.c */
void doctor_process(int pid, bool repair); /* doctor_process.c */
/* doctor_text.c */
int doctor_leftovers(int pid); /* how much a killed trapline has left */

#endif
