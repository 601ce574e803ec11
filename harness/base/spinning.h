/* How long OpenMP's threads spin while they wait for each other. */
#ifndef PB_BASE_SPINNING_H
#define PB_BASE_SPINNING_H

/*
 * Limits spinning to some microseconds by GOMP_SPINCOUNT, unless the user's environment has that variable or
 * OMP_WAIT_POLICY. To be called first in main, with its argv: the program is started again, since libgomp reads its
 * environment while it is loaded. Processes that this one starts inherit the setting.
 */
void pb_limit_spinning(char **argv);

#endif
