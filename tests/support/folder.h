/* A fresh folder per test, for everything that it writes. */
#ifndef PB_TEST_FOLDER_H
#define PB_TEST_FOLDER_H

/* cmocka setup and teardown: *state is the folder's path; it is removed with all that is in it. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* "FOLDER/name"; lives until folder_teardown. */
const char *folder_path(void **state, const char *name);

#endif
