# Compiles the examples in the comments of durable.h: every run of comment lines that are indented
# by five blanks or more behind the asterisk, begins at five, and ends with a lone `}` at five or
# with a `;`, is C code: one or more complete functions, or statements of a workflow. What they call,
# and the variables of the workflow, are declared in the prelude.
#
#   -D HEADER= -D PRELUDE= -D COMPILER= -D FLAGS= -D WORK=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/lines.cmake")

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
get_filename_component(prelude "${PRELUDE}" NAME)
file(COPY "${PRELUDE}" DESTINATION "${WORK}")

# Functions, else statements: they stand in a block, so that they can have variables of their own.
function(compile_example block line number)
  set(source "${WORK}/example_${number}")
  set(place "#line ${line} \"durable.h\"\n")
  file(WRITE "${source}_a.c" "#include \"${prelude}\"\n${place}${block}")
  file(WRITE "${source}_b.c"
       "#include \"${prelude}\"\nint example(HEADER_STATE);\nint example(HEADER_STATE)\n{\n{\n"
       "${place}${block}}\n    return 0;\n}\n")
  set(said "")
  foreach(form IN ITEMS a b)
    execute_process(
      COMMAND "${COMPILER}" ${FLAGS} -Wno-unused-parameter -c "${source}_${form}.c" -o /dev/null
      RESULT_VARIABLE result
      OUTPUT_VARIABLE output
      ERROR_VARIABLE output)
    if(result EQUAL 0 AND output STREQUAL "")
      return()
    endif()
    string(APPEND said "\n${output}")
  endforeach()
  string(REPLACE "\n" "\n  " said "${said}")
  message(FATAL_ERROR "durable.h:${line}: neither functions nor statements:${said}")
endfunction()

set(examples 0)
set(line_number 0)
set(first_line 0)
set(block "")
set(last "")
lines_read("${HEADER}" lines)
foreach(line IN LISTS lines)
  math(EXPR line_number "${line_number} + 1")
  lines_restore("${line}" line)
  if(line MATCHES "^ \\*     ( *[^ ].*)$" AND (NOT block STREQUAL "" OR line MATCHES "^ \\*     [^ ]"))
    set(last "${CMAKE_MATCH_1}")
    if(block STREQUAL "")
      set(first_line ${line_number})
    endif()
    string(APPEND block "${last}\n")
  elseif(line STREQUAL " *" AND NOT block STREQUAL "")
    string(APPEND block "\n")
  else()
    if(last STREQUAL "}" OR last MATCHES ";$")
      math(EXPR examples "${examples} + 1")
      compile_example("${block}" ${first_line} ${examples})
    endif()
    set(block "")
    set(last "")
  endif()
endforeach()

if(examples EQUAL 0)
  message(FATAL_ERROR "${HEADER}: no example was found")
endif()
message(STATUS "${examples} examples compiled")
