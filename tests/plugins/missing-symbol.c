/* An object that exports something else than a plugin. */
int missing_symbol_nothing_here(void);

int missing_symbol_nothing_here(void)
{
    return 0;
}
