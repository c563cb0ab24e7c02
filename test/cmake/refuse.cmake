# A source that must not compile, for the reason that its line `expect: …` gives.
#
#   -D COMPILER= -D FLAGS= -D SOURCE=
cmake_minimum_required(VERSION 3.22)

execute_process(
  COMMAND "${COMPILER}" ${FLAGS} -c "${SOURCE}" -o /dev/null
  RESULT_VARIABLE result
  OUTPUT_VARIABLE output
  ERROR_VARIABLE output)
file(STRINGS "${SOURCE}" expected REGEX "expect: ")
if(NOT expected MATCHES "expect: (.*) \\*/")
  message(FATAL_ERROR "${SOURCE} does not say what to expect")
endif()
set(expected "${CMAKE_MATCH_1}")
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiled, which it must not")
endif()
string(FIND "${output}" "${expected}" at)
if(at EQUAL -1)
  string(REPLACE "\n" "\n  " output "\n${output}")
  message(FATAL_ERROR "${SOURCE}: the compiler did not say \"${expected}\":${output}")
endif()
