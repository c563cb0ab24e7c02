/* test/store: the conformance suite, put together from its parts. */
#include "store/conformance_kit.h"

enum { TESTS_MAX = 512 };

int conformance_run(const conformance_subject *subject)
{
    size_t (*const parts[])(const struct CMUnitTest **) = {
        conformance_run_tests,         conformance_fence_tests,    conformance_step_tests,
        conformance_due_tests,         conformance_suspend_tests,  conformance_pending_tests,
        conformance_signal_tests,      conformance_receipt_tests,  conformance_callback_tests,
        conformance_head_tests,        conformance_queue_tests,    conformance_rate_tests,
        conformance_child_tests,       conformance_continue_tests, conformance_request_tests,
        conformance_transaction_tests, conformance_restart_tests,  conformance_restart_child_tests,
        conformance_row_tests,
        conformance_import_tests,      conformance_version_tests,  conformance_control_tests,
        conformance_deletion_tests};
    struct CMUnitTest tests[TESTS_MAX];
    size_t count = 0;

    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        const struct CMUnitTest *more;
        size_t more_count = parts[part](&more);

        assert_true(count + more_count <= TESTS_MAX);
        for (size_t i = 0; i < more_count; i++, count++) {
            tests[count] = more[i];
            tests[count].setup_func = conformance_setup;
            tests[count].teardown_func = conformance_teardown;
            tests[count].initial_state = (void *)(uintptr_t)subject;
        }
    }
    return _cmocka_run_group_tests(subject->name, tests, count, NULL, NULL);
}
