# Compiles a program without a single warning, runs it and compares what it prints.
#
#   -D COMPILER= -D FLAGS= -D SOURCES= -D PROGRAM=   lists; PROGRAM is where to put it
#   -D EXPECT=                                       regular expression for the output
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

get_filename_component(folder "${PROGRAM}" DIRECTORY)
file(MAKE_DIRECTORY "${folder}")
run_checked(COMMAND "${COMPILER}" ${FLAGS} ${SOURCES} -o "${PROGRAM}" ${LIBRARIES} EXPECT "^$")
run_checked(COMMAND "${PROGRAM}" WORKING_DIRECTORY "${folder}" EXPECT "${EXPECT}")
