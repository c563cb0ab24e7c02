# Runs a program twice in a fresh folder; both times it must succeed.
#
#   -D PROGRAM= -D WORK=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
foreach(time IN ITEMS first second)
  run_checked(COMMAND "${PROGRAM}" WORKING_DIRECTORY "${WORK}" OUTPUT output)
  string(REPLACE "\n" "\n  " output "\n${output}")
  message(STATUS "The ${time} time:${output}")
endforeach()
