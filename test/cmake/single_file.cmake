# The single-file form, compiled beside a program and included into one, without a warning; both
# run a workflow. Only the public functions can be seen in its object, none where it is included.
#
#   -D COMPILER= -D STANDARD= -D NM= -D FOLDER= -D SOURCES= -D LIBRARIES= -D WORK= -D VERSION=
#   -D LIST=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(flags -std=${STANDARD} -O1 -Wall -Wextra -Wpedantic -Werror -I "${FOLDER}")

function(check_symbols object expected)
  run_checked(COMMAND "${NM}" -g --defined-only "${object}" OUTPUT output)
  string(REGEX MATCHALL "[A-Z] [^\n]+" symbols "${output}")
  list(TRANSFORM symbols REPLACE "^[A-Z] " "")
  list(SORT symbols)
  if(NOT symbols STREQUAL expected)
    message(FATAL_ERROR "${object} shows ${symbols}, not ${expected}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
file(STRINGS "${LIST}" public)

run_checked(COMMAND "${COMPILER}" ${flags} -c "${FOLDER}/durable.c" -o "${WORK}/durable.o"
            EXPECT "^$")
check_symbols("${WORK}/durable.o" "${public}")
run_checked(COMMAND "${COMPILER}" ${flags} "${SOURCES}/program.c" "${WORK}/durable.o"
                    -o "${WORK}/beside" ${LIBRARIES} EXPECT "^$")
run_checked(COMMAND "${WORK}/beside" EXPECT "^durable ${VERSION}\n$")

# The program does not call every public function, which are static here.
run_checked(COMMAND "${COMPILER}" ${flags} -Wno-unused-function -c
                    "${SOURCES}/single_file_included.c" -o "${WORK}/included.o" EXPECT "^$")
check_symbols("${WORK}/included.o" "main")
run_checked(COMMAND "${COMPILER}" "${WORK}/included.o" -o "${WORK}/included" ${LIBRARIES}
            EXPECT "^$")
run_checked(COMMAND "${WORK}/included" EXPECT "^durable ${VERSION}\n$")
