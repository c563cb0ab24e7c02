# Installs library and header, and what find_package(durable) and pkg-config read.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package "${PROJECT_BINARY_DIR}/package")
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/durable")

target_include_directories(durable PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(
  TARGETS durable
  EXPORT durable-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT durable_development
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT durable_runtime
          NAMELINK_COMPONENT durable_development
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT durable_runtime)
install(
  FILES "${PROJECT_SOURCE_DIR}/include/durable.h" "${PROJECT_SOURCE_DIR}/include/durable_cmocka.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT durable_development)

# Before 1.0 every minor version may break its callers.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file("${package}/durable-config-version.cmake"
                                 COMPATIBILITY ${compatibility})
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/durable-config.cmake.in" "${package}/durable-config.cmake"
  INSTALL_DESTINATION "${package_folder}"
  NO_SET_AND_CHECK_MACRO)
install(
  FILES "${package}/durable-config.cmake" "${package}/durable-config-version.cmake"
  DESTINATION "${package_folder}"
  COMPONENT durable_development)
install(
  EXPORT durable-targets
  NAMESPACE durable::
  DESTINATION "${package_folder}"
  COMPONENT durable_development)

# The .pc file finds its prefix from where it lies, so that the tree can be moved and installed
# with --prefix; absolute folders stand as they are.
set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH pc_prefix "/x/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/x")
  string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
foreach(folder IN ITEMS LIBDIR INCLUDEDIR)
  set(pc_${folder} "${CMAKE_INSTALL_${folder}}")
  if(NOT IS_ABSOLUTE "${pc_${folder}}")
    string(PREPEND pc_${folder} "\${prefix}/")
  endif()
endforeach()
set(pc_definitions "")
if(BUILD_SHARED_LIBS)
  set(pc_definitions " -DDUR_SHARED")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/durable.pc.in" "${package}/durable.pc" @ONLY)
install(
  FILES "${package}/durable.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
  COMPONENT durable_development)
