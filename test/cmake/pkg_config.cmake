# The consumer without CMake: one compiler call with what pkg-config says.
#
#   -D PKG_CONFIG= -D COMPILER= -D PREFIX= -D SOURCE= -D WORK= -D VERSION=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(ENV{PKG_CONFIG_PATH} "${PREFIX}/lib/pkgconfig")
set(ENV{LD_LIBRARY_PATH} "${PREFIX}/lib")
file(MAKE_DIRECTORY "${WORK}")
run_checked(COMMAND "${PKG_CONFIG}" --modversion durable EXPECT "^${VERSION}\n$")
run_checked(COMMAND "${PKG_CONFIG}" --cflags --libs durable OUTPUT said)
separate_arguments(said UNIX_COMMAND "${said}")
run_checked(COMMAND "${COMPILER}" "${SOURCE}" ${said} -o "${WORK}/program")
run_checked(COMMAND "${WORK}/program" EXPECT "^durable ${VERSION}\n$")
