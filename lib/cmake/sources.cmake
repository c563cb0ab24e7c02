file(GLOB durable_sources CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_LIST_DIR}/.."
     "${CMAKE_CURRENT_LIST_DIR}/../base/*.c" "${CMAKE_CURRENT_LIST_DIR}/../engine/*.c"
     "${CMAKE_CURRENT_LIST_DIR}/../store/sqlite/*.c" "${CMAKE_CURRENT_LIST_DIR}/../api/*.c")
