/* Time: monotonic and a thread's for measuring, UTC for provenance. */
#ifndef PB_BASE_CLOCK_H
#define PB_BASE_CLOCK_H

double pb_clock(void); /* monotonic seconds */
double pb_thread_clock(void); /* seconds of processor time that the calling thread has used */
void pb_utc_now(char buffer[32]); /* "2026-01-31T12:00:00Z" */

#endif
