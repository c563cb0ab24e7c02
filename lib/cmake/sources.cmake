if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(configure_depends CONFIGURE_DEPENDS)
endif()
file(GLOB durable_sources ${configure_depends} RELATIVE "${CMAKE_CURRENT_LIST_DIR}/.."
     "${CMAKE_CURRENT_LIST_DIR}/../base/*.c" "${CMAKE_CURRENT_LIST_DIR}/../engine/*.c"
     "${CMAKE_CURRENT_LIST_DIR}/../store/sqlite/*.c" "${CMAKE_CURRENT_LIST_DIR}/../api/*.c")
