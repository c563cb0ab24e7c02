/* test/compat: DUR_STEP with every kind of variable, as C and as C++. The first pass executes the
 * steps and is left without an end; the second replays them into fresh variables, which must come
 * back as they went in (law 4: a recorded outcome is final). */
#include <durable.h>
#include <sqlite3.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
#define NOWHERE nullptr
#else
#define NOWHERE NULL
#endif

enum colour { COLOUR_RED, COLOUR_GREEN = 7, COLOUR_FAR = -3 };

struct point {
    double x, y;
    int label[3];
};

static int executed;
static int wrong;

static void check(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "not as it went in: %s\n", what);
        wrong++;
    }
}

/* A step whose variable starts with rubbish, is given `value` by the body, and must hold it
 * after the step whether the body ran or not. */
#define ROUND_TRIP(run, type, value)                                                               \
    do {                                                                                           \
        type variable = 0;                                                                         \
        DUR_STEP(run, #type " " #value, variable)                                                  \
        {                                                                                          \
            executed++;                                                                            \
            variable = value;                                                                      \
        }                                                                                          \
        check(memcmp(&variable, value_of_##type(value), sizeof variable) == 0, #type " " #value);  \
    } while (0)

#define VALUE_OF(type)                                                                             \
    static const void *value_of_##type(type value)                                                 \
    {                                                                                              \
        static type kept;                                                                          \
        kept = value;                                                                              \
        return &kept;                                                                              \
    }

typedef signed char schar;
typedef unsigned char uchar;
typedef unsigned short ushort_type;
typedef unsigned int uint_type;
typedef unsigned long ulong_type;
typedef long long llong;
typedef unsigned long long ullong;

VALUE_OF(bool)
VALUE_OF(char)
VALUE_OF(schar)
VALUE_OF(uchar)
VALUE_OF(short)
VALUE_OF(ushort_type)
VALUE_OF(int)
VALUE_OF(uint_type)
VALUE_OF(long)
VALUE_OF(ulong_type)
VALUE_OF(llong)
VALUE_OF(ullong)
VALUE_OF(int64_t)
VALUE_OF(size_t)
VALUE_OF(float)
VALUE_OF(double)

static void integers(dur_run *run)
{
    ROUND_TRIP(run, bool, true);
    ROUND_TRIP(run, char, 'x');
    ROUND_TRIP(run, schar, -128);
    ROUND_TRIP(run, uchar, 255);
    ROUND_TRIP(run, short, -32768);
    ROUND_TRIP(run, ushort_type, 65535);
    ROUND_TRIP(run, int, -2147483647);
    ROUND_TRIP(run, uint_type, 4294967295U);
    ROUND_TRIP(run, long, -2147483647L);
    ROUND_TRIP(run, ulong_type, 4294967295UL);
    ROUND_TRIP(run, llong, -9223372036854775807LL);
    ROUND_TRIP(run, ullong, 18446744073709551615ULL);
    ROUND_TRIP(run, int64_t, INT64_MIN);
    ROUND_TRIP(run, size_t, SIZE_MAX);
}

static void reals(dur_run *run)
{
    float not_a_number = NAN;
    double endless = HUGE_VAL;

    ROUND_TRIP(run, float, 0.1F);
    ROUND_TRIP(run, float, -0.0F);
    ROUND_TRIP(run, float, not_a_number);
    ROUND_TRIP(run, double, 0.1);
    ROUND_TRIP(run, double, -0.0);
    ROUND_TRIP(run, double, endless);
}

static void enumerations(dur_run *run)
{
    enum colour colour = COLOUR_RED;
    enum colour far_away = COLOUR_RED;

    DUR_STEP(run, "colour", colour)
    {
        executed++;
        colour = COLOUR_GREEN;
    }
    DUR_STEP(run, "far", far_away)
    {
        executed++;
        far_away = COLOUR_FAR;
    }
    check(colour == COLOUR_GREEN && far_away == COLOUR_FAR, "enum");
}

static void texts(dur_run *run)
{
    const char *text = "rubbish";
    const char *none = "rubbish";
    char array[8] = "rubbish";

    DUR_STEP(run, "text", text)
    {
        executed++;
        text = "Grüße";
    }
    DUR_STEP(run, "no text", none)
    {
        executed++;
        none = NOWHERE;
    }
    DUR_STEP(run, "array", array)
    {
        executed++;
        memcpy(array, "seven77", sizeof array);
    }
    check(text && strcmp(text, "Grüße") == 0, "const char *");
    check(!none, "NULL text");
    check(strcmp(array, "seven77") == 0, "char[8]");
}

static void objects(dur_run *run)
{
    struct point point = {0, 0, {0, 0, 0}};
    dur_value blob = dur_null();

    DUR_STEP(run, "point", point)
    {
        executed++;
        point.x = 1.5;
        point.label[2] = 3;
    }
    DUR_STEP(run, "blob", blob)
    {
        executed++;
        blob = dur_blob("\0\1\2", 3);
    }
    check(point.x > 1.4 && point.x < 1.6 && point.label[2] == 3, "struct");
    check(blob.type == DUR_BLOB && blob.length == 3 && memcmp(blob.as.bytes, "\0\1\2", 3) == 0,
          "blob");
}

static void forms(dur_run *run)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int number = 0;

    DUR_STEP(run, "no variable") executed++;
    DUR_STEP_VOID(run, "no variable, options", &options) executed++;
    DUR_STEP(run, "all four", number, &options)
    {
        executed++;
        number = 4;
    }
    check(number == 4, "DUR_STEP with four arguments");
}

#ifdef __cplusplus
enum class size_class : unsigned char { small, large = 200 };

namespace {
struct holder {
    int member;
    template <class T> T through_template(dur_run *run, T value)
    {
        T variable = T();
        DUR_STEP(run, "template", variable)
        {
            executed++;
            variable = value;
        }
        return variable;
    }
};
} // namespace

static void only_in_cxx(dur_run *run)
{
    size_class size = size_class::small;
    holder held = {0};
    int number = 0;
    int &reference = number;

    DUR_STEP(run, "enum class", size)
    {
        executed++;
        size = size_class::large;
    }
    DUR_STEP(run, "reference", reference)
    {
        executed++;
        reference = 8;
    }
    DUR_STEP(run, "member", held.member)
    {
        executed++;
        held.member = 9;
    }
    check(size == size_class::large, "enum class");
    check(number == 8, "reference");
    check(held.member == 9, "member");
    check(held.through_template(run, 10L) == 10L, "template");
}

enum { STEPS = 14 + 6 + 2 + 3 + 2 + 3 + 4 };
#else
enum { STEPS = 14 + 6 + 2 + 3 + 2 + 3 };

static void only_in_cxx(dur_run *run)
{
    (void)run;
}
#endif

/* The rest of the header's macros and inline functions: no warning may come out of them either. */
static void values(dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    check(dur_read_run(log, "one", &info) == DUR_OK, "dur_read_run");
    check(info.status == DUR_RUNNING && DUR_POSITION_MAX > STEPS, "run info");
    check(dur_unsigned(UINT64_MAX).type == DUR_UNSIGNED, "dur_unsigned");
    check(dur_unsigned(INT64_MAX).type == DUR_INTEGER, "dur_unsigned");
    check(dur_integer(-1).type == DUR_INTEGER, "dur_integer");
    check(dur_real(0.5).type == DUR_REAL, "dur_real");
    check(dur_text("text").length == 4, "dur_text");
    check(dur_text(NOWHERE).type == DUR_NULL, "dur_text");
    check(dur_object(&info, sizeof info).length == sizeof info, "dur_object");
}

static int pass(dur_log *log)
{
    dur_run *run = NOWHERE;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    int code = dur_begin_run(log, "variables", "one", &start, &run);

    if (code != DUR_OK)
        return code;
    integers(run);
    reals(run);
    enumerations(run);
    texts(run);
    objects(run);
    forms(run);
    only_in_cxx(run);
    code = dur_run_code(run);
    dur_close_run(run);
    return code;
}

int main(void)
{
    struct sqlite3 *db = NOWHERE;
    dur_log *log = NOWHERE;
    dur_options options = DUR_OPTIONS_INIT;
    int code;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        return 1;
    code = dur_open(db, &options, &log);
    for (int i = 0; i < 2 && code == DUR_OK; i++) {
        code = pass(log);
        check(executed == STEPS, i ? "steps executed again" : "steps executed");
    }
    values(log);
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    if (code == DUR_OK && !wrong)
        printf("%d variables came back\n", executed);
    return code != DUR_OK || wrong;
}
