# Text files as lists of lines. CMake's lists trip over brackets, semicolons and backslashes, so
# these characters are swapped for control characters on the way in and back on the way out.
string(ASCII 1 lines_open)
string(ASCII 2 lines_close)
string(ASCII 3 lines_semicolon)
string(ASCII 4 lines_backslash)

function(lines_read path result)
  file(READ "${path}" text)
  string(REPLACE "[" "${lines_open}" text "${text}")
  string(REPLACE "]" "${lines_close}" text "${text}")
  string(REPLACE ";" "${lines_semicolon}" text "${text}")
  string(REPLACE "\\" "${lines_backslash}" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(lines_restore text result)
  string(REPLACE "${lines_open}" "[" text "${text}")
  string(REPLACE "${lines_close}" "]" text "${text}")
  string(REPLACE "${lines_semicolon}" ";" text "${text}")
  string(REPLACE "${lines_backslash}" "\\" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()
