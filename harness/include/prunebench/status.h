/* Result codes shared by the harness and its plugins. */
#ifndef PRUNEBENCH_STATUS_H
#define PRUNEBENCH_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Every function that can fail returns one of these. A function that returns anything but PB_OK
 * has left a message with the host (struct pb_host's fail, or a struct pb_error inside the
 * harness) and has written none of its out-parameters.
 */
enum pb_status {
    PB_OK = 0,
    PB_ERROR_INPUT = 1, /* what the user gave is wrong: exit code 2 */
    PB_ERROR_RUN = 2, /* it went wrong while running: exit code 1 */
    PB_ERROR_MEMORY = 3, /* an allocation failed */
    PB_ERROR_UNSUPPORTED = 4, /* well formed, but not offered by this plugin */
    PB_ERROR_STOPPED =
        5, /* the process was asked to end: exit code 75. From the host's functions alone; a plugin passes it on */
};

#ifdef __cplusplus
}
#endif
#endif
