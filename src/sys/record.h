/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recording: what a kernel answered, one line an answer, in the order of asking.
 *
 *   trapline-recording 1
 *   F name 0|1                          a feature
 *   S pid                               a spawned program
 *   E errno nnp                         why its exec failed; whether it needed no_new_privs
 *   T pid n tid...                      the threads of a process
 *   W kind tid code core                a wait's result
 *   P req tid addr data len ret hex     a ptrace request, and the bytes that came back
 *   M tid addr len ret hex              memory that was read
 *   N tid addr len ret                  memory that was written
 *   R tid file ret hex                  a proc file
 *   L tid name ret hex                  a proc link
 *   G tgid tid 0|1                      same process?
 *
 * All numbers are decimal but addresses and bytes. Private to this folder.
 */
#ifndef TL_SYS_RECORD_H
#define TL_SYS_RECORD_H

#define TL__RECORDING_HEAD "trapline-recording 1"

#endif
