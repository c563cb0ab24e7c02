# The symbols that the library shows: of the shared one exactly the checked list, which is what
# durable.h declares; of the static one only names that begin with dur_ or durable_.
#
#   -D NM= -D SHARED= -D STATIC= -D LIST= -D HEADER=
cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

function(defined_symbols library result)
  run_checked(COMMAND "${NM}" ${ARGN} --defined-only "${library}" OUTPUT output)
  string(REGEX MATCHALL "[0-9a-f]+ [A-TV-Z] [^\n]+" lines "${output}")
  list(TRANSFORM lines REPLACE "^[0-9a-f]+ [A-Z] " "")
  list(SORT lines)
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()

function(compare what_is is what_should should)
  if(NOT is STREQUAL should)
    set(missing ${should})
    set(unexpected ${is})
    list(REMOVE_ITEM missing ${is})
    list(REMOVE_ITEM unexpected ${should})
    message(SEND_ERROR "${what_is} and ${what_should} differ: missing ${missing}; "
                       "unexpected ${unexpected}")
  endif()
endfunction()

file(STRINGS "${LIST}" listed)
file(READ "${HEADER}" header)
string(REGEX MATCHALL "DUR_API [^;()]*[ *]dur_[a-z0-9_]+\\(" declared "${header}")
list(TRANSFORM declared REPLACE ".*[ *](dur_[a-z0-9_]+)\\(" "\\1")
list(SORT declared)
compare("What durable.h declares" "${declared}" "${LIST}" "${listed}")

defined_symbols("${SHARED}" exported -D)
compare("What ${SHARED} exports" "${exported}" "${LIST}" "${listed}")
foreach(symbol IN LISTS exported)
  if(NOT symbol MATCHES "^dur_")
    message(SEND_ERROR "${SHARED} exports ${symbol}, which does not begin with dur_")
  endif()
endforeach()

defined_symbols("${STATIC}" global -g)
foreach(symbol IN LISTS global)
  if(NOT symbol MATCHES "^(dur|durable)_")
    message(SEND_ERROR "${STATIC} has ${symbol}, which begins with neither dur_ nor durable_")
  endif()
endforeach()
list(LENGTH exported count)
list(LENGTH global all)
message(STATUS "${count} symbols exported, ${all} in the static library")
