# Builds a consumer project as a stranger would, in a folder of its own, and runs its program.
#
#   -D PROJECT= -D WORK=      the consumer, and where to build it
#   -D ARGUMENTS=             list: for its configuration
#   -D VERSION=               the version that its program must print
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
run_checked(COMMAND "${CMAKE_COMMAND}" -S "${PROJECT}" -B "${WORK}/build" ${ARGUMENTS})
run_checked(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" --config Debug)
find_program(program program PATHS "${WORK}/build" "${WORK}/build/Debug" NO_DEFAULT_PATH REQUIRED)
run_checked(COMMAND "${program}" EXPECT "^durable ${VERSION}\n$")

# What the consumer installs is the consumer's alone.
file(GLOB install_script "${WORK}/build/cmake_install.cmake")
if(install_script)
  run_checked(COMMAND "${CMAKE_COMMAND}" --install "${WORK}/build" --config Debug
                      --prefix "${WORK}/prefix")
  file(GLOB_RECURSE ours "${WORK}/prefix/*durable*")
  if(ours)
    message(FATAL_ERROR "the consumer's installation brings ours: ${ours}")
  endif()
endif()
