/*
 * A pickle is a program for a machine with a stack and a memo (Python's Lib/pickletools.py describes it). This one has the
 * instructions that data need, and names and calls only what torch_global.h lists.
 */
#include "graph/pickle.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "graph/torch_global.h"

/* Python appends a thousand items at once, twice as many for a dict. */
enum { MAX_DEPTH = 1 << 16, MAX_MEMO = 1 << 20, MAX_PROTOCOL = 5 };

struct machine {
    const unsigned char *bytes;
    size_t length, at;
    struct pb_pickle_value **stack; /* of MAX_DEPTH; a mark is a NULL */
    uint32_t depth;
    struct pb_pickle_value **memo; /* NULL: nothing is stored there */
    uint32_t memo_room, memo_count; /* the count is of those that MEMOIZE has stored */
    struct pb_pickle *pickle;
    bool stopped;
    struct pb_error *error;
};

static enum pb_status refuse(const struct machine *machine, const char *what)
{
    return pb_fail(machine->error, PB_ERROR_INPUT, "the pickle is damaged at byte %zu: %s", machine->at, what);
}

/* The next bytes of the pickle; NULL, with a message: it has fewer. */
static const unsigned char *take(struct machine *machine, uint64_t length)
{
    const unsigned char *bytes = machine->bytes + machine->at;
    if (length > machine->length - machine->at) {
        (void)refuse(machine, "it ends in the middle of a value");
        return NULL;
    }
    machine->at += (size_t)length;
    return bytes;
}

/* A little-endian number of up to 8 bytes. */
static enum pb_status take_number(struct machine *machine, unsigned width, uint64_t *number)
{
    const unsigned char *bytes = take(machine, width);
    if (!bytes)
        return PB_ERROR_INPUT;
    *number = 0;
    memcpy(number, bytes, width);
    return PB_OK;
}

static enum pb_status push(struct machine *machine, struct pb_pickle_value *value)
{
    if (machine->depth == MAX_DEPTH)
        return refuse(machine, "its stack has too many values");
    machine->stack[machine->depth++] = value;
    return PB_OK;
}

/* A value that the stack must have on top, above any mark; NULL, with a message: it has none. */
static struct pb_pickle_value *pop(struct machine *machine)
{
    if (machine->depth == 0 || !machine->stack[machine->depth - 1]) {
        (void)refuse(machine, "a value is missing on its stack");
        return NULL;
    }
    return machine->stack[--machine->depth];
}

static enum pb_status push_new(struct machine *machine, enum pb_pickle_kind kind, struct pb_pickle_value **value)
{
    const enum pb_status status = pb_pickle_new(machine->pickle, kind, value, machine->error);
    return status == PB_OK ? push(machine, *value) : status;
}

/* The depth just above the last mark. */
static enum pb_status find_mark(const struct machine *machine, uint32_t *above)
{
    uint32_t depth = machine->depth;
    while (depth > 0 && machine->stack[depth - 1])
        depth--;
    if (depth == 0)
        return refuse(machine, "a mark is missing on its stack");
    *above = depth;
    return PB_OK;
}

/* What an instruction's argument is: a width in bytes, a kind of value, a number of items; 0 where it has none. */
typedef enum pb_status instruction(struct machine *machine, unsigned argument);

static enum pb_status check_protocol(struct machine *machine, unsigned width)
{
    uint64_t protocol = 0;
    const enum pb_status status = take_number(machine, width, &protocol);
    if (status != PB_OK)
        return status;
    return protocol <= MAX_PROTOCOL ? PB_OK : refuse(machine, "its protocol is newer than 5");
}

/* A frame's length is for readers that read ahead. */
static enum pb_status skip_frame(struct machine *machine, unsigned width)
{
    uint64_t length = 0;
    return take_number(machine, width, &length);
}

static enum pb_status stop(struct machine *machine, unsigned argument)
{
    (void)argument;
    machine->stopped = true;
    return PB_OK;
}

static enum pb_status push_mark(struct machine *machine, unsigned argument)
{
    (void)argument;
    return push(machine, NULL);
}

static enum pb_status push_empty(struct machine *machine, unsigned kind)
{
    struct pb_pickle_value *value = NULL;
    return push_new(machine, (enum pb_pickle_kind)kind, &value);
}

/* A value of so many bytes that nothing asks for. */
static enum pb_status push_plain(struct machine *machine, unsigned width)
{
    return take(machine, width) ? push_empty(machine, PB_PICKLE_PLAIN) : PB_ERROR_INPUT;
}

static enum pb_status push_integer(struct machine *machine, int64_t number)
{
    struct pb_pickle_value *value = NULL;
    const enum pb_status status = push_new(machine, PB_PICKLE_INTEGER, &value);
    if (status == PB_OK)
        value->of.integer = number;
    return status;
}

/* Of one or two bytes: without a sign. */
static enum pb_status push_unsigned(struct machine *machine, unsigned width)
{
    uint64_t number = 0;
    const enum pb_status status = take_number(machine, width, &number);
    return status == PB_OK ? push_integer(machine, (int64_t)number) : status;
}

static enum pb_status push_signed(struct machine *machine, unsigned width)
{
    uint64_t number = 0;
    const enum pb_status status = take_number(machine, width, &number);
    if (status != PB_OK)
        return status;
    const uint64_t sign = width ? (uint64_t)1 << (8 * width - 1) : 0;
    return push_integer(machine, (int64_t)((number ^ sign) - sign));
}

/* An integer behind its length in bytes. */
static enum pb_status push_long(struct machine *machine, unsigned width)
{
    uint64_t length = 0;
    const enum pb_status status = take_number(machine, width, &length);
    if (status != PB_OK)
        return status;
    return length <= sizeof(int64_t) ? push_signed(machine, (unsigned)length) : push_plain(machine, (unsigned)length);
}

static enum pb_status take_sized(struct machine *machine, unsigned width, struct pb_pickle_text *text)
{
    uint64_t length = 0;
    const enum pb_status status = take_number(machine, width, &length);
    const unsigned char *bytes = status == PB_OK ? take(machine, length) : NULL;
    if (!bytes)
        return PB_ERROR_INPUT;
    *text = (struct pb_pickle_text){(const char *)bytes, (size_t)length};
    return PB_OK;
}

static enum pb_status push_text(struct machine *machine, unsigned width)
{
    struct pb_pickle_text text = {0};
    struct pb_pickle_value *value = NULL;
    enum pb_status status = take_sized(machine, width, &text);
    if (status == PB_OK)
        status = push_new(machine, PB_PICKLE_TEXT, &value);
    if (status == PB_OK)
        value->of.text = text;
    return status;
}

static enum pb_status push_bytes(struct machine *machine, unsigned width)
{
    struct pb_pickle_text text = {0};
    const enum pb_status status = take_sized(machine, width, &text);
    return status == PB_OK ? push_empty(machine, PB_PICKLE_PLAIN) : status;
}

static enum pb_status push_global(struct machine *machine, const struct pb_pickle_text *module,
                                  const struct pb_pickle_text *name)
{
    struct pb_pickle_value *value = NULL;
    const enum pb_status status = pb_torch_global(machine->pickle, module, name, &value, machine->error);
    return status == PB_OK ? push(machine, value) : status;
}

static enum pb_status take_line(struct machine *machine, struct pb_pickle_text *line)
{
    const unsigned char *begin = machine->bytes + machine->at;
    const unsigned char *end = memchr(begin, '\n', machine->length - machine->at);
    if (!end)
        return refuse(machine, "it ends in the middle of a name");
    *line = (struct pb_pickle_text){(const char *)begin, (size_t)(end - begin)};
    machine->at += line->length + 1;
    return PB_OK;
}

static enum pb_status name_in_lines(struct machine *machine, unsigned argument)
{
    struct pb_pickle_text module = {0}, name = {0};
    (void)argument;
    enum pb_status status = take_line(machine, &module);
    if (status == PB_OK)
        status = take_line(machine, &name);
    return status == PB_OK ? push_global(machine, &module, &name) : status;
}

static enum pb_status name_on_stack(struct machine *machine, unsigned argument)
{
    struct pb_pickle_value *name = pop(machine), *module = name ? pop(machine) : NULL;
    (void)argument;
    if (!module)
        return PB_ERROR_INPUT;
    if (module->kind != PB_PICKLE_TEXT || name->kind != PB_PICKLE_TEXT)
        return refuse(machine, "a name is no text");
    return push_global(machine, &module->of.text, &name->of.text);
}

/* A tuple in place of all values from this depth on. */
static enum pb_status collect_tuple(struct machine *machine, uint32_t from, uint32_t depth)
{
    struct pb_pickle_value *tuple = NULL;
    enum pb_status status = pb_pickle_new(machine->pickle, PB_PICKLE_TUPLE, &tuple, machine->error);
    for (uint32_t i = from; i < machine->depth && status == PB_OK; i++)
        status = pb_pickle_append(tuple, machine->stack[i], machine->error);
    machine->depth = depth;
    return status == PB_OK ? push(machine, tuple) : status;
}

static enum pb_status make_tuple(struct machine *machine, unsigned argument)
{
    uint32_t above = 0;
    (void)argument;
    const enum pb_status status = find_mark(machine, &above);
    return status == PB_OK ? collect_tuple(machine, above, above - 1) : status;
}

static enum pb_status make_short_tuple(struct machine *machine, unsigned count)
{
    bool whole = machine->depth >= count;
    for (uint32_t i = 0; i < count && whole; i++)
        whole = machine->stack[machine->depth - 1 - i];
    if (!whole)
        return refuse(machine, "a value is missing on its stack");
    return collect_tuple(machine, machine->depth - count, machine->depth - count);
}

/* Appends the values from this depth on to the container, which is below depth. */
static enum pb_status append(struct machine *machine, uint32_t from, uint32_t depth, enum pb_pickle_kind kind)
{
    struct pb_pickle_value *container = depth > 0 ? machine->stack[depth - 1] : NULL;
    if (!container || container->kind != kind)
        return refuse(machine, kind == PB_PICKLE_DICT ? "a value is set in what is no dict"
                                                      : "a value is appended to what is no list");
    if (kind == PB_PICKLE_DICT && (machine->depth - from) % 2 != 0)
        return refuse(machine, "a key has no value");
    enum pb_status status = PB_OK;
    for (uint32_t i = from; i < machine->depth && status == PB_OK; i++)
        status = pb_pickle_append(container, machine->stack[i], machine->error);
    machine->depth = depth;
    return status;
}

static enum pb_status append_one(struct machine *machine, unsigned kind)
{
    const uint32_t count = kind == PB_PICKLE_DICT ? 2 : 1;
    for (uint32_t i = 0; i < count; i++)
        if (machine->depth < count || !machine->stack[machine->depth - 1 - i])
            return refuse(machine, "a value is missing on its stack");
    return append(machine, machine->depth - count, machine->depth - count, (enum pb_pickle_kind)kind);
}

static enum pb_status append_many(struct machine *machine, unsigned kind)
{
    uint32_t above = 0;
    const enum pb_status status = find_mark(machine, &above);
    return status == PB_OK ? append(machine, above, above - 1, (enum pb_pickle_kind)kind) : status;
}

static enum pb_status call(struct machine *machine, unsigned argument)
{
    struct pb_pickle_value *arguments = pop(machine), *callable = arguments ? pop(machine) : NULL, *value = NULL;
    (void)argument;
    if (!callable)
        return PB_ERROR_INPUT;
    const enum pb_status status = pb_torch_call(machine->pickle, callable, arguments, &value, machine->error);
    return status == PB_OK ? push(machine, value) : status;
}

static enum pb_status refer(struct machine *machine, unsigned argument)
{
    struct pb_pickle_value *identifier = pop(machine), *value = NULL;
    (void)argument;
    if (!identifier)
        return PB_ERROR_INPUT;
    const enum pb_status status = pb_torch_persistent(machine->pickle, identifier, &value, machine->error);
    return status == PB_OK ? push(machine, value) : status;
}

/* Attributes of an object: those of a state_dict are its _metadata, versions of modules, which nothing here depends on. */
static enum pb_status skip_attributes(struct machine *machine, unsigned argument)
{
    struct pb_pickle_value *attributes = pop(machine), *object = attributes ? pop(machine) : NULL;
    (void)argument;
    if (!object)
        return PB_ERROR_INPUT;
    if (object->kind != PB_PICKLE_DICT || attributes->kind != PB_PICKLE_DICT)
        return refuse(machine, "attributes are set of what is no dict");
    return push(machine, object);
}

static enum pb_status memorise_as(struct machine *machine, uint64_t index)
{
    struct pb_pickle_value *value = pop(machine);
    if (!value)
        return PB_ERROR_INPUT;
    if (index >= MAX_MEMO)
        return refuse(machine, "its memo has too many values");
    if (index >= machine->memo_room) {
        const size_t room = 2 * (size_t)index + 64;
        struct pb_pickle_value **memo = pb_realloc(machine->memo, machine->memo_room, room, sizeof *memo);
        if (!memo)
            return pb_fail_memory(machine->error, room * sizeof *memo);
        machine->memo = memo;
        machine->memo_room = (uint32_t)room;
    }
    machine->memo[index] = value;
    return push(machine, value);
}

static enum pb_status memorise(struct machine *machine, unsigned width)
{
    uint64_t index = 0;
    const enum pb_status status = take_number(machine, width, &index);
    return status == PB_OK ? memorise_as(machine, index) : status;
}

static enum pb_status memorise_next(struct machine *machine, unsigned argument)
{
    (void)argument;
    return memorise_as(machine, machine->memo_count++);
}

static enum pb_status recall(struct machine *machine, unsigned width)
{
    uint64_t index = 0;
    const enum pb_status status = take_number(machine, width, &index);
    if (status != PB_OK)
        return status;
    if (index >= machine->memo_room || !machine->memo[index])
        return refuse(machine, "it uses a value that it has not stored");
    return push(machine, machine->memo[index]);
}

static const struct {
    instruction *run;
    unsigned argument;
} instructions[256] = {
    [0x80] = {check_protocol, 1},
    [0x95] = {skip_frame, 8},
    ['.'] = {stop, 0},
    ['('] = {push_mark, 0},
    [')'] = {push_empty, PB_PICKLE_TUPLE},
    [']'] = {push_empty, PB_PICKLE_LIST},
    ['}'] = {push_empty, PB_PICKLE_DICT},
    ['N'] = {push_plain, 0}, /* None */
    [0x88] = {push_plain, 0}, /* True */
    [0x89] = {push_plain, 0}, /* False */
    ['G'] = {push_plain, 8}, /* a real */
    ['K'] = {push_unsigned, 1},
    ['M'] = {push_unsigned, 2},
    ['J'] = {push_signed, 4},
    [0x8a] = {push_long, 1},
    ['X'] = {push_text, 4},
    [0x8c] = {push_text, 1},
    [0x8d] = {push_text, 8},
    ['B'] = {push_bytes, 4},
    ['C'] = {push_bytes, 1},
    ['c'] = {name_in_lines, 0},
    [0x93] = {name_on_stack, 0},
    ['t'] = {make_tuple, 0},
    [0x85] = {make_short_tuple, 1},
    [0x86] = {make_short_tuple, 2},
    [0x87] = {make_short_tuple, 3},
    ['a'] = {append_one, PB_PICKLE_LIST},
    ['e'] = {append_many, PB_PICKLE_LIST},
    ['s'] = {append_one, PB_PICKLE_DICT},
    ['u'] = {append_many, PB_PICKLE_DICT},
    ['R'] = {call, 0},
    ['Q'] = {refer, 0},
    ['b'] = {skip_attributes, 0},
    ['q'] = {memorise, 1},
    ['r'] = {memorise, 4},
    [0x94] = {memorise_next, 0},
    ['h'] = {recall, 1},
    ['j'] = {recall, 4},
};

static enum pb_status step(struct machine *machine)
{
    uint64_t code = 0;
    const enum pb_status status = take_number(machine, 1, &code);
    if (status != PB_OK)
        return status;
    if (!instructions[code].run)
        return pb_fail(machine->error, PB_ERROR_INPUT,
                       "the pickle has instruction 0x%02x at byte %zu, which a file of tensors does not need",
                       (unsigned)code, machine->at - 1);
    return instructions[code].run(machine, instructions[code].argument);
}

enum pb_status pb_pickle_read(const void *bytes, size_t length, struct pb_pickle *pickle,
                              const struct pb_pickle_value **value, struct pb_error *error)
{
    struct machine machine = {.bytes = bytes, .length = length, .pickle = pickle, .error = error};
    enum pb_status status = PB_OK;
    machine.stack = pb_calloc(MAX_DEPTH, sizeof *machine.stack);
    if (!machine.stack)
        return pb_fail_memory(error, MAX_DEPTH * sizeof *machine.stack);
    while (!machine.stopped && status == PB_OK)
        status = step(&machine);
    const struct pb_pickle_value *top = status == PB_OK ? pop(&machine) : NULL;
    if (top)
        *value = top;
    else if (status == PB_OK)
        status = PB_ERROR_INPUT;
    pb_free(machine.stack);
    pb_free(machine.memo);
    return status;
}
