# cmocka as the target durable_cmocka: its own package gives a target from 1.1.7 on, variables
# before.
find_package(cmocka QUIET CONFIG)
if(NOT cmocka_FOUND)
  message(FATAL_ERROR "The tests need cmocka: install it (Debian, Ubuntu: libcmocka-dev), or "
                      "configure with -DDUR_BUILD_TESTS=OFF")
endif()
add_library(durable_cmocka INTERFACE)
if(TARGET cmocka::cmocka)
  target_link_libraries(durable_cmocka INTERFACE cmocka::cmocka)
else()
  target_link_libraries(durable_cmocka INTERFACE ${CMOCKA_LIBRARIES})
  target_include_directories(durable_cmocka SYSTEM INTERFACE ${CMOCKA_INCLUDE_DIR})
endif()
