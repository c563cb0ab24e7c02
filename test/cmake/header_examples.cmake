# Compiles the examples in the comments of durable.h: every run of comment lines that are indented
# by five blanks or more behind the asterisk, begins at five, and ends with a lone `}` at five, is
# C code: one or more complete functions. What they call is declared in the prelude.
#
#   -D HEADER= -D PRELUDE= -D COMPILER= -D FLAGS= -D WORK=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/lines.cmake")

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
get_filename_component(prelude "${PRELUDE}" NAME)
file(COPY "${PRELUDE}" DESTINATION "${WORK}")

set(examples 0)
set(line_number 0)
set(block "")
set(last "")
lines_read("${HEADER}" lines)
foreach(line IN LISTS lines)
  math(EXPR line_number "${line_number} + 1")
  lines_restore("${line}" line)
  if(line MATCHES "^ \\*     ( *[^ ].*)$" AND (NOT block STREQUAL "" OR line MATCHES "^ \\*     [^ ]"))
    set(last "${CMAKE_MATCH_1}")
    if(block STREQUAL "")
      set(block "#include \"${prelude}\"\n#line ${line_number} \"durable.h\"\n")
    endif()
    string(APPEND block "${last}\n")
  elseif(line STREQUAL " *" AND NOT block STREQUAL "")
    string(APPEND block "\n")
  else()
    if(last STREQUAL "}")
      math(EXPR examples "${examples} + 1")
      file(WRITE "${WORK}/example_${examples}.c" "${block}")
      run_checked(COMMAND "${COMPILER}" ${FLAGS} -c "${WORK}/example_${examples}.c" -o /dev/null
                  EXPECT "^$")
    endif()
    set(block "")
    set(last "")
  endif()
endforeach()

if(examples EQUAL 0)
  message(FATAL_ERROR "${HEADER}: no example was found")
endif()
message(STATUS "${examples} examples compiled")
