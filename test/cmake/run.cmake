# Runs a command and stops the script, showing what it printed, if it fails.
function(run_checked)
  cmake_parse_arguments(PARSE_ARGV 0 run "" "WORKING_DIRECTORY;OUTPUT;EXPECT" "COMMAND")
  if(NOT run_WORKING_DIRECTORY)
    set(run_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  execute_process(
    COMMAND ${run_COMMAND}
    WORKING_DIRECTORY "${run_WORKING_DIRECTORY}"
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  list(JOIN run_COMMAND " " shown)
  # Indented lines are shown as they are.
  string(REPLACE "\n" "\n  " shown_output "\n${output}")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${shown}${shown_output}")
  endif()
  if(DEFINED run_EXPECT AND NOT output MATCHES "${run_EXPECT}")
    message(FATAL_ERROR "printed something else than ${run_EXPECT}: ${shown}${shown_output}")
  endif()
  if(run_OUTPUT)
    set(${run_OUTPUT} "${output}" PARENT_SCOPE)
  endif()
endfunction()
