/* Where the user's caches are: $XDG_CACHE_HOME/prunebench, else ~/.cache/prunebench. */
#ifndef PB_BASE_USER_CACHE_H
#define PB_BASE_USER_CACHE_H

/* From pb_calloc; NULL where the environment names no place (the XDG rules leave relative paths aside). It may not be there yet. */
char *pb_user_cache_folder(void);

#endif
