/* test/unit: errors: one line always, cut where they are too long, and never masked. */
#include "base/error.h"
#include "base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static void set_gives_the_code_back_and_formats_the_message(void **state)
{
    durable_error error;

    (void)state;
    memset(&error, 0xA5, sizeof error);
    assert_int_equal(durable_error_set(&error, DUR_BUSY, "%s has %d of %lld", "run", 7, 9LL),
                     DUR_BUSY);
    assert_int_equal(error.code, DUR_BUSY);
    assert_int_equal(error.sqlite_code, 0);
    assert_string_equal(error.message, "run has 7 of 9");
}

static void clear_leaves_no_error(void **state)
{
    durable_error error;

    (void)state;
    durable_error_set(&error, DUR_BUSY, "busy");
    error.sqlite_code = 5;
    durable_error_clear(&error);
    assert_int_equal(error.code, DUR_OK);
    assert_int_equal(error.sqlite_code, 0);
    assert_string_equal(error.message, "");
}

static void a_message_is_one_line_whatever_the_arguments_hold(void **state)
{
    durable_error error;
    char text[] = "a?b";

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        text[1] = (char)byte;
        durable_error_set(&error, DUR_DATABASE, "<%s>", text);
        assert_int_equal(strlen(error.message), 5);
        if (byte < 0x20 || byte == 0x7f)
            assert_string_equal(error.message, "<a b>");
        else
            assert_int_equal((unsigned char)error.message[2], byte);
        durable_error_set(&error, DUR_DATABASE, "rest");
        durable_error_prefix(&error, "<%s>", text);
        assert_null(strpbrk(error.message, "\n\r\t\v\f\x1b"));
    }
    durable_error_set(&error, DUR_DATABASE, "%s", "several\nlines\r\n");
    assert_string_equal(error.message, "several lines  ");
}

/* Characters of 1 to 4 bytes, so that the end of the buffer falls on each of their bytes. */
static const char *const characters[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};

static char *repeated(const char *character, size_t count, size_t offset)
{
    size_t length = strlen(character);
    char *text = malloc(offset + count * length + 1);

    assert_non_null(text);
    memset(text, '-', offset);
    for (size_t i = 0; i < count; i++) memcpy(text + offset + i * length, character, length);
    text[offset + count * length] = '\0';
    return text;
}

static void assert_cut_well(const durable_error *error, const char *whole)
{
    size_t length = strlen(error->message);

    assert_true(length < DURABLE_MESSAGE_SIZE && length >= DURABLE_MESSAGE_SIZE - 1 - 4);
    assert_memory_equal(error->message, whole, length);
    assert_true(durable_utf8_valid(error->message, length));
}

static void a_message_that_is_too_long_is_cut_between_characters(void **state)
{
    durable_error error;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t offset = 0; offset < 4; offset++) {
            char *text = repeated(characters[i], 2 * DURABLE_MESSAGE_SIZE, offset);

            durable_error_set(&error, DUR_FAILED, "%s", text);
            assert_cut_well(&error, text);
            assert_int_equal(error.code, DUR_FAILED);
            free(text);
        }
}

static void a_message_that_just_fits_is_whole(void **state)
{
    char *text = repeated("x", DURABLE_MESSAGE_SIZE - 1, 0);
    durable_error error;

    (void)state;
    durable_error_set(&error, DUR_FAILED, "%s", text);
    assert_string_equal(error.message, text);
    free(text);
}

static void a_prefix_goes_in_front_and_masks_nothing(void **state)
{
    durable_error error;

    (void)state;
    durable_error_set(&error, DUR_IOERR, "disk I/O error");
    error.sqlite_code = 1234;
    durable_error_prefix(&error, "run \"%s\" at %d: ", "order", 3);
    assert_string_equal(error.message, "run \"order\" at 3: disk I/O error");
    assert_int_equal(error.code, DUR_IOERR);
    assert_int_equal(error.sqlite_code, 1234);
    durable_error_prefix(&error, "%s", "");
    assert_string_equal(error.message, "run \"order\" at 3: disk I/O error");
}

/* Two of the longest names and a sentence leave room for the words of the lower error. */
static void the_longest_names_do_not_push_the_lower_error_out(void **state)
{
    char *name = repeated("n", DUR_NAME_MAX, 0);
    durable_error error;

    (void)state;
    durable_error_set(&error, DUR_FULL, "database or disk is full");
    durable_error_prefix(&error, "run \"%s\", step \"%s\" at position %d: ", name, name, 134217727);
    assert_non_null(strstr(error.message, "database or disk is full"));
    free(name);
}

static void a_message_that_a_prefix_makes_too_long_is_cut_between_characters(void **state)
{
    durable_error error;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t offset = 0; offset < 4; offset++) {
            char *text = repeated(characters[i], DURABLE_MESSAGE_SIZE / 5, offset);
            char *whole = malloc(2 * DURABLE_MESSAGE_SIZE);
            char *prefix = repeated("p", DURABLE_MESSAGE_SIZE - 60, 0);

            assert_non_null(whole);
            durable_error_set(&error, DUR_FAILED, "%s", text);
            snprintf(whole, 2 * DURABLE_MESSAGE_SIZE, "%s: %s", prefix, text);
            durable_error_prefix(&error, "%s: ", prefix);
            assert_cut_well(&error, whole);
            assert_int_equal(error.code, DUR_FAILED);
            free(prefix);
            free(whole);
            free(text);
        }
}

static void a_prefix_longer_than_everything_is_cut_too(void **state)
{
    durable_error error;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t offset = 0; offset < 4; offset++) {
            char *prefix = repeated(characters[i], 2 * DURABLE_MESSAGE_SIZE, offset);

            durable_error_set(&error, DUR_FAILED, "rest");
            durable_error_prefix(&error, "%s", prefix);
            assert_true(strlen(error.message) < DURABLE_MESSAGE_SIZE);
            assert_true(durable_utf8_valid(error.message, strlen(error.message)));
            free(prefix);
        }
}

static void a_copy_is_the_whole_error(void **state)
{
    durable_error error, copy;

    (void)state;
    memset(&copy, 0xA5, sizeof copy);
    durable_error_set(&error, DUR_LOST, "another owner");
    error.sqlite_code = 19;
    durable_error_copy(&copy, &error);
    assert_int_equal(copy.code, DUR_LOST);
    assert_int_equal(copy.sqlite_code, 19);
    assert_string_equal(copy.message, "another owner");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_gives_the_code_back_and_formats_the_message),
        cmocka_unit_test(clear_leaves_no_error),
        cmocka_unit_test(a_message_is_one_line_whatever_the_arguments_hold),
        cmocka_unit_test(a_message_that_is_too_long_is_cut_between_characters),
        cmocka_unit_test(a_message_that_just_fits_is_whole),
        cmocka_unit_test(a_prefix_goes_in_front_and_masks_nothing),
        cmocka_unit_test(the_longest_names_do_not_push_the_lower_error_out),
        cmocka_unit_test(a_message_that_a_prefix_makes_too_long_is_cut_between_characters),
        cmocka_unit_test(a_prefix_longer_than_everything_is_cut_too),
        cmocka_unit_test(a_copy_is_the_whole_error),
    };

    return cmocka_run_group_tests_name("unit.error", tests, NULL, NULL);
}
