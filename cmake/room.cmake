# A room is a folder below src/ with one role. Its CMakeLists.txt is one call of room(), which says what the
# room holds and which rooms it may include. CMake links by that list, and tools/tidy checks every #include
# against it, so the table of arrows lives once.
#
#   room(NAME attestation/verifier
#        HEADERS verdict.h appraise.h
#        SOURCES verdict.cc appraise.cc
#        TESTS verdict_test.cc appraise_test.cc
#        MAY_INCLUDE base encoding crypto
#        LIBRARIES OpenSSL::Crypto          # outside libraries, private unless a header needs them
#        TEST_LIBRARIES tests_support)
#
# The target of room a/b is room_a_b; its tests are one program, a_b_test.

function(room)
  cmake_parse_arguments(R "" "NAME" "HEADERS;SOURCES;TESTS;MAY_INCLUDE;LIBRARIES;TEST_LIBRARIES" ${ARGN})
  if(R_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "room(${R_NAME}): unknown words '${R_UNPARSED_ARGUMENTS}'")
  endif()
  string(REPLACE "/" "_" id ${R_NAME})
  set(target room_${id})
  set(deps "")
  foreach(other ${R_MAY_INCLUDE})
    string(REPLACE "/" "_" other_id ${other})
    list(APPEND deps room_${other_id})
  endforeach()
  if(R_SOURCES)
    add_library(${target} STATIC ${R_SOURCES})
    set(scope PUBLIC)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${R_HEADERS})
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} ${scope} blindai_compiler ${deps} ${R_LIBRARIES})

  if(BLINDAI_TESTS AND R_TESTS)
    add_executable(${id}_test ${R_TESTS})
    target_link_libraries(${id}_test PRIVATE ${target} ${R_TEST_LIBRARIES} GTest::gmock GTest::gtest GTest::gtest_main)
    add_test(NAME ${R_NAME} COMMAND ${id}_test)
    # In the environment and not in the compile line, so that a clone in another folder shares the compiler cache.
    set_tests_properties(${R_NAME} PROPERTIES LABELS room TIMEOUT 900
      ENVIRONMENT "BLINDAI_SOURCE_DIR=${CMAKE_SOURCE_DIR};BLINDAI_BINARY_DIR=${CMAKE_BINARY_DIR}")
  endif()
endfunction()

# room_programs(SUFFIX PROGRAMS): each x_SUFFIX.cc of this folder becomes the program x_SUFFIX, linked with the rooms
# that its first line names ("// rooms: base attestation/evidence"). PROGRAMS receives their targets.
function(room_programs suffix programs)
  set(names "")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_${suffix}.cc)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    file(STRINGS ${source} first_line LIMIT_COUNT 1)
    if(NOT first_line MATCHES "^// rooms: (.+)$")
      message(FATAL_ERROR "${source}: the first line must be '// rooms: base …'")
    endif()
    string(REPLACE " " ";" rooms "${CMAKE_MATCH_1}")
    list(TRANSFORM rooms REPLACE "/" "_")
    list(TRANSFORM rooms PREPEND "room_")
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${rooms})
    list(APPEND names ${name})
  endforeach()
  set(${programs} ${names} PARENT_SCOPE)
endfunction()
