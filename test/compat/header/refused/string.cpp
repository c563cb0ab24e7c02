/* test/compat: the bytes of a std::string are not its text. */
/* expect: DUR_STEP: the variable must be trivially copyable */
#include <durable.h>

#include <string>

void refused(dur_run *run)
{
    std::string text;
    DUR_STEP(run, "std::string", text) { text = "text"; }
}
