# Compiles every block of C in a Markdown file. A block with an `int main` is a program: it is built
# and run, and what it prints is compared with the next block of `text` or `console`. In a console
# block each line `$ ./…` is one run of the program, in the same folder, and the lines after it are
# what that run prints; other lines with a `$` are not looked at. A block of C without a main is
# compiled as declarations or as statements of a workflow, after the prelude.
#
#   -D FILE= -D PRELUDE= -D COMPILER= -D FLAGS= -D LIBRARIES= -D WORK=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/lines.cmake")

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
file(COPY "${PRELUDE}" DESTINATION "${WORK}")
get_filename_component(prelude "${PRELUDE}" NAME)

set(programs 0)
set(fragments 0)

function(run_program program expected)
  get_filename_component(folder "${program}" DIRECTORY)
  execute_process(
    COMMAND "${program}"
    WORKING_DIRECTORY "${folder}"
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(STRIP "${output}" output)
  string(STRIP "${expected}" expected)
  if(NOT output STREQUAL expected)
    message(FATAL_ERROR "${program} prints\n${output}\n\nbut ${FILE} says\n${expected}")
  endif()
endfunction()

# The parts of a console block that begin with `$ ./`, or the whole of a text block.
function(check_output program language text)
  if(language STREQUAL "text")
    run_program("${program}" "${text}")
    return()
  endif()
  string(REGEX REPLACE "(^|\n)\\$ [^.\n][^\n]*" "" text "\n${text}")
  string(FIND "${text}" "\n$ ./" at)
  if(at EQUAL -1)
    run_program("${program}" "${text}")
  endif()
  while(NOT at EQUAL -1)
    math(EXPR at "${at} + 1")
    string(SUBSTRING "${text}" ${at} -1 text)
    string(FIND "${text}" "\n" at)
    string(SUBSTRING "${text}" ${at} -1 text)
    string(FIND "${text}" "\n$ ./" at)
    string(SUBSTRING "${text}" 0 ${at} expected)
    run_program("${program}" "${expected}")
  endwhile()
endfunction()

function(compile_fragment block number)
  set(source "${WORK}/fragment_${number}")
  file(WRITE "${source}_a.c" "#include \"${prelude}\"\n${block}")
  file(WRITE "${source}_b.c"
       "#include \"${prelude}\"\nint fragment(STATE);\nint fragment(STATE)\n{\n${block}"
       "    return 0;\n}\n")
  set(said "")
  foreach(form IN ITEMS a b)
    execute_process(
      COMMAND "${COMPILER}" ${FLAGS} -Wno-unused -Wno-unused-parameter -c "${source}_${form}.c" -o
              /dev/null
      RESULT_VARIABLE result
      OUTPUT_VARIABLE output
      ERROR_VARIABLE output)
    if(result EQUAL 0)
      return()
    endif()
    string(APPEND said "\n${output}")
  endforeach()
  string(REPLACE "\n" "\n  " said "${said}")
  message(FATAL_ERROR "${FILE}: block ${number} is neither declarations nor statements:${said}")
endfunction()

set(language "")
set(block "")
set(program "")
lines_read("${FILE}" lines)
foreach(line IN LISTS lines)
  lines_restore("${line}" line)
  if(language STREQUAL "" AND line MATCHES "^```([a-z+]*)")
    set(language "${CMAKE_MATCH_1}")
    if(language STREQUAL "")
      set(language plain)
    endif()
    set(block "")
  elseif(line MATCHES "^```")
    if(language STREQUAL "c" AND block MATCHES "int main\\(")
      math(EXPR programs "${programs} + 1")
      set(program "${WORK}/program_${programs}/program")
      file(WRITE "${program}.c" "${block}")
      run_checked(COMMAND "${COMPILER}" ${FLAGS} "${program}.c" -o "${program}" ${LIBRARIES}
                  EXPECT "^$")
    elseif(language STREQUAL "c")
      math(EXPR fragments "${fragments} + 1")
      compile_fragment("${block}" ${fragments})
    elseif(language MATCHES "^(text|console)$" AND program)
      check_output("${program}" ${language} "${block}")
      set(program "")
    endif()
    set(language "")
  elseif(NOT language STREQUAL "")
    string(APPEND block "${line}\n")
  endif()
endforeach()

if(programs EQUAL 0)
  message(FATAL_ERROR "${FILE}: no program was found")
endif()
message(STATUS "${programs} programs run, ${fragments} fragments compiled")
