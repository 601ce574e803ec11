/* What this process dies of. All of the handler is async-signal-safe. */
#include "base/fault.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/guard.h"

enum { STACK_BYTES = 128 << 10, NEAR_STACK = 64 << 10 };

static const int watched[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { WATCHED = sizeof watched / sizeof *watched };
/* Who handled it before: nobody, or a sanitizer. */
static struct sigaction earlier[WATCHED];

#if defined(__x86_64__)
static enum pb_access access_of(const ucontext_t *context)
{
    return context->uc_mcontext.gregs[REG_ERR] & 2 ? PB_ACCESS_WRITE : PB_ACCESS_READ; /* the page fault's error code */
}

static uint64_t stack_of(const ucontext_t *context)
{
    return (uint64_t)context->uc_mcontext.gregs[REG_RSP];
}
#else
static enum pb_access access_of(const ucontext_t *context)
{
    (void)context;
    return PB_ACCESS_UNKNOWN;
}

static uint64_t stack_of(const ucontext_t *context)
{
    (void)context;
    return UINT64_MAX;
}
#endif

static void note(int signal, const siginfo_t *info, const ucontext_t *context)
{
    struct pb_fault fault = {.signal = signal};
    /* Other codes of SIGSEGV come without an address: a pointer that cannot be one, or a signal that was sent. */
    if ((signal == SIGSEGV && (info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR)) ||
        (signal == SIGBUS && info->si_code > 0 && info->si_code != SI_KERNEL)) {
        const uint64_t stack = stack_of(context);
        fault.has_address = true;
        fault.address = (uint64_t)(uintptr_t)info->si_addr;
        fault.access = access_of(context);
        fault.near_stack = fault.address < stack + NEAR_STACK && fault.address + NEAR_STACK > stack;
        pb_guarded_find(fault.address, &fault);
    }
    if (pb_place->fault.signal == 0)
        pb_place->fault = fault;
}

static void print(const char *before, const char *text, const char *after)
{
    const char *const parts[] = {before, text, after};
    for (size_t i = 0; i < 3; i++)
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
            return;
}

/* Piece by piece, for a signal handler must not format. */
static void print_place(int signal)
{
    const struct pb_place *place = pb_place;
    const char *name = signal == SIGSEGV  ? "SIGSEGV"
                       : signal == SIGBUS ? "SIGBUS"
                       : signal == SIGFPE ? "SIGFPE"
                                          : "SIGILL";
    const struct pb_place_frame *frame =
        place->depth > 0 && place->depth <= PB_PLACE_DEPTH ? &place->frames[place->depth - 1] : NULL;
    if (place->operation[0]) {
        print("prunebench: ", name, " in operator '");
        print(place->operation, "' of ", place->backend);
        print(", node '", place->node, "'\n");
    } else if (frame) {
        print("prunebench: ", name, " in ");
        print(frame->plugin, frame->verb ? ", verb " : ", hook ", frame->hook);
        print(frame->layer[0] ? ", layer " : "", frame->layer, place->fault.overstep ? ", at the array " : "");
        print(place->fault.array, "\n", "");
    }
}

/* Then the access is repeated, and meets who handled it before. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    note(signal, info, context);
    if (!pb_place_is_shared())
        print_place(signal);
    for (size_t i = 0; i < WATCHED; i++)
        if (watched[i] == signal)
            sigaction(signal, &earlier[i], NULL);
    if (info->si_code <= 0) /* it was sent, and would not come again by itself */
        raise(signal);
}

/* A stack of its own, for that of the thread may be what has run out. A sanitizer has one already. */
static enum pb_status make_stack(struct pb_error *error)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE))
        return PB_OK;
    void *memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return pb_fail_memory(error, STACK_BYTES);
    stack = (stack_t){.ss_sp = memory, .ss_size = STACK_BYTES};
    return sigaltstack(&stack, NULL) == 0 ? PB_OK : pb_fail_errno(error, "make a stack for signals");
}

enum pb_status pb_fault_watch(struct pb_error *error)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    enum pb_status status = make_stack(error);
    for (size_t i = 0; i < WATCHED && status == PB_OK; i++)
        if (sigaction(watched[i], &action, &earlier[i]) != 0)
            status = pb_fail_errno(error, "watch for signal %d", watched[i]);
    return status;
}
