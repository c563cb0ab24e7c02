# Builds and installs the library the way a packager does, then moves the tree, which must not
# matter.
#
#   -D SOURCE= -D WORK= -D PREFIX= -D SHARED=ON|OFF -D ARGUMENTS=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK}" "${PREFIX}")
file(MAKE_DIRECTORY "${WORK}")
run_checked(
  COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/build" -D BUILD_SHARED_LIBS=${SHARED}
          -D DUR_BUILD_TESTS=OFF -D DUR_BUILD_EXAMPLES=OFF -D DUR_BUILD_BENCHMARK=OFF
          -D CMAKE_INSTALL_LIBDIR=lib ${ARGUMENTS})
run_checked(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" --config Debug)
run_checked(COMMAND "${CMAKE_COMMAND}" --install "${WORK}/build" --config Debug
                    --prefix "${WORK}/first")
file(RENAME "${WORK}/first" "${PREFIX}")

file(GLOB_RECURSE installed RELATIVE "${PREFIX}" "${PREFIX}/*")
foreach(wanted IN ITEMS include/durable.h include/durable_cmocka.h lib/pkgconfig/durable.pc
                        lib/cmake/durable/durable-config.cmake)
  if(NOT wanted IN_LIST installed)
    message(FATAL_ERROR "${wanted} was not installed, only ${installed}")
  endif()
endforeach()
foreach(file IN LISTS installed)
  if(file MATCHES "\\.(cmake|pc)$")
    file(READ "${PREFIX}/${file}" text)
    foreach(folder IN ITEMS "${SOURCE}" "${WORK}")
      string(FIND "${text}" "${folder}" at)
      if(NOT at EQUAL -1)
        message(FATAL_ERROR "${file} names ${folder}, which no other machine has")
      endif()
    endforeach()
  endif()
endforeach()
