# Writes the single-file form: durable.c, the whole library as one translation unit whose internal
# functions are static, and durable.h beside it.
#
#   cmake -D OUTPUT=<folder> -P lib/cmake/single_file.cmake
#
# Each header of ours is put in where it is included first. A macro that a source file defines for
# itself ends with that file. A static name that two source files use gets room and file in front.
cmake_minimum_required(VERSION 3.22)

get_filename_component(lib "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(include "${lib}/../include")
include("${CMAKE_CURRENT_LIST_DIR}/version.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/sources.cmake")

if(NOT OUTPUT)
  message(FATAL_ERROR "Say where to: -D OUTPUT=<folder>")
endif()
durable_read_version("${include}/durable.h" version)

# CMake has no lists of text lines that survive brackets and semicolons, so text is cut at each
# `#include "` instead and handled as plain strings.
function(append_text text)
  file(APPEND "${OUTPUT}/durable.c.new" "${text}")
endfunction()

function(find_header name from result)
  foreach(folder IN ITEMS "${from}" "${lib}")
    if(EXISTS "${folder}/${name}")
      get_filename_component(path "${folder}/${name}" ABSOLUTE)
      set(${result} "${path}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "${from}: no header \"${name}\" there nor in lib/")
endfunction()

function(append_header name from)
  if(name STREQUAL "durable.h")
    return()
  endif()
  find_header("${name}" "${from}" path)
  get_property(seen GLOBAL PROPERTY single_file_headers)
  if(NOT path IN_LIST seen)
    set_property(GLOBAL APPEND PROPERTY single_file_headers "${path}")
    append_file("${path}")
  endif()
endfunction()

function(append_file path)
  get_filename_component(folder "${path}" DIRECTORY)
  file(RELATIVE_PATH shown "${lib}/.." "${path}")
  append_text("\n/* ======== ${shown} ======== */\n")
  file(READ "${path}" text)
  string(PREPEND text "\n")
  string(FIND "${text}" "\n#include \"" at)
  while(NOT at EQUAL -1)
    string(SUBSTRING "${text}" 0 ${at} before)
    append_text("${before}\n")
    string(SUBSTRING "${text}" ${at} -1 text)
    string(REGEX MATCH "^\n#include \"([^\"\n]+)\"[^\n]*" line "${text}")
    set(header "${CMAKE_MATCH_1}")
    string(LENGTH "${line}" length)
    string(SUBSTRING "${text}" ${length} -1 text)
    append_header("${header}" "${folder}")
    string(FIND "${text}" "\n#include \"" at)
  endwhile()
  append_text("${text}")
endfunction()

# The static functions, objects and types of a source file.
function(static_names path result)
  file(READ "${path}" text)
  string(REGEX MATCHALL "\n(static [^;={(\n]+|typedef (struct|enum) [a-z0-9_]+)" lines "${text}")
  set(names "")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "([A-Za-z0-9_]+)(\\[[^]]*\\])* *$" line "${line}")
    list(APPEND names ${CMAKE_MATCH_1})
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# Those of them that another source file has too.
function(shared_names result)
  set(all "")
  set(shared "")
  foreach(source IN LISTS durable_sources)
    static_names("${lib}/${source}" names)
    foreach(name IN LISTS names)
      if(name IN_LIST all)
        list(APPEND shared ${name})
      endif()
    endforeach()
    list(APPEND all ${names})
  endforeach()
  set(${result} "${shared}" PARENT_SCOPE)
endfunction()

# A source file between the macros that rename its shared names, and the end of its own macros.
function(append_source source)
  string(REGEX REPLACE "\\.c$" "_" prefix "${source}")
  string(REPLACE "/" "_" prefix "${prefix}")
  static_names("${lib}/${source}" names)
  file(STRINGS "${lib}/${source}" defines REGEX "^#define [A-Za-z_]")
  set(macros "")
  foreach(define IN LISTS defines)
    string(REGEX MATCH "^#define ([A-Za-z0-9_]+)" define "${define}")
    if(NOT CMAKE_MATCH_1 MATCHES "_SOURCE$")
      list(APPEND macros ${CMAKE_MATCH_1})
    endif()
  endforeach()
  foreach(name IN LISTS names)
    if(name IN_LIST shared)
      append_text("#define ${name} ${prefix}${name}\n")
      list(APPEND macros ${name})
    endif()
  endforeach()
  append_file("${lib}/${source}")
  list(REMOVE_DUPLICATES macros)
  foreach(macro IN LISTS macros)
    append_text("#undef ${macro}\n")
  endforeach()
endfunction()

file(WRITE "${OUTPUT}/durable.c.new"
"/*
 * durable.c - libdurable ${version} in one file. Generated: change lib/ instead.
 *
 * Compile it into your program beside durable.h and link SQLite 3.35 or later:
 *
 *     cc your_program.c durable.c -lsqlite3
 *
 * Or include it in one source file of yours, with DUR_API defined as static first if nothing of it
 * shall be seen elsewhere. Internal functions are static and begin with durable_.
 *
")
file(READ "${lib}/../LICENSE" license)
string(STRIP "${license}" license)
string(REPLACE "\n" "\n * " license "\n${license}")
string(REPLACE " * \n" " *\n" license "${license}")
string(SUBSTRING "${license}" 1 -1 license)
append_text("${license}\n */\n")
append_text("
/* kill() and readlink() are POSIX, which strict C11 hides; asked for before any header. */
#if defined(__linux__) && !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#define DURABLE_INTERNAL static

#include \"durable.h\"
")
shared_names(shared)
foreach(source IN LISTS durable_sources)
  append_source("${source}")
endforeach()

file(READ "${OUTPUT}/durable.c.new" text)
string(REGEX REPLACE "\n\n\n+" "\n\n" text "${text}")
file(WRITE "${OUTPUT}/durable.c" "${text}")
file(REMOVE "${OUTPUT}/durable.c.new")
file(COPY "${include}/durable.h" DESTINATION "${OUTPUT}")
