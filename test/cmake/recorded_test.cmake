# Builds and tests a copy of examples/recorded_test against the installed library, as somebody does
# who has copied it. Its recorder must write the fixture that is there, byte for byte; and what the
# test of its second version prints must be what that version's comment and the README show.
#
#   -D PROJECT= -D WORK= -D ARGUMENTS=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(copy "${WORK}/recorded_test")
set(build "${WORK}/build")
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
file(COPY "${PROJECT}" DESTINATION "${WORK}")
run_checked(COMMAND "${CMAKE_COMMAND}" -S "${copy}" -B "${build}" ${ARGUMENTS})
run_checked(COMMAND "${CMAKE_COMMAND}" --build "${build}" --config Debug OUTPUT said)
if(said MATCHES "warning")
  message(FATAL_ERROR "it does not build without warnings:\n${said}")
endif()
run_checked(COMMAND "${CMAKE_CTEST_COMMAND}" -C Debug --output-on-failure
            WORKING_DIRECTORY "${build}" EXPECT "100% tests passed, 0 tests failed out of 3")

function(find_built name result)
  find_program(built_${name} ${name} PATHS "${build}" "${build}/Debug" NO_DEFAULT_PATH REQUIRED)
  set(${result} "${built_${name}}" PARENT_SCOPE)
endfunction()

find_built(record record)
run_checked(COMMAND "${record}" "${WORK}/new.jsonl")
run_checked(COMMAND "${CMAKE_COMMAND}" -E compare_files "${PROJECT}/fixtures/order-42.jsonl"
                    "${WORK}/new.jsonl")

find_built(order_v2_test second)
execute_process(
  COMMAND "${second}"
  WORKING_DIRECTORY "${copy}"
  RESULT_VARIABLE failed
  OUTPUT_QUIET
  ERROR_VARIABLE report)
if(NOT failed EQUAL 1)
  message(FATAL_ERROR "order_v2_test gave ${failed}, not one failed test")
endif()
string(REGEX REPLACE "\n\\[ .*" "" report "${report}")

function(require_in file text)
  file(READ "${PROJECT}/${file}" whole)
  string(FIND "${whole}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${file} does not hold what order_v2_test prints:\n${text}")
  endif()
endfunction()

string(REPLACE "\n" "\n *    " comment " *    ${report}")
require_in(order_v2.c " *\n${comment}\n */\n")
require_in(README.md "```text\n${report}\n```\n")
