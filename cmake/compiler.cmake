# One place for what every file is compiled with: warnings as errors, hardening, sanitizers, a compiler cache.

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the tree and no directory hashing: a clone in another folder finds the same entries.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(blindai_compiler INTERFACE)
target_compile_options(blindai_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2
  -Wimplicit-fallthrough -Werror -fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(blindai_compiler INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-clash-protection
    -fcf-protection=full)
  target_compile_definitions(blindai_compiler INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(blindai_compiler INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
else()
  # Line tables are enough for a backtrace and keep the link small.
  target_compile_options(blindai_compiler INTERFACE -g1)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own headers and Boost's, at the inlining depth of a release build.
  target_compile_options(blindai_compiler INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-array-bounds -Wno-stringop-overread -Wno-restrict -Wno-dangling-pointer -Wno-free-nonheap-object)
endif()

if(BLINDAI_SANITIZER STREQUAL "address")
  target_compile_options(blindai_compiler INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Clang 14 cannot put the function-type check in front of a coroutine.
    target_compile_options(blindai_compiler INTERFACE -fno-sanitize=function)
  endif()
  target_link_options(blindai_compiler INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(blindai_compiler INTERFACE BLINDAI_SANITIZED=1)
elseif(BLINDAI_SANITIZER STREQUAL "thread")
  # Asio has fences that ThreadSanitizer does not model; its queues are locked besides, so nothing is missed.
  target_compile_options(blindai_compiler INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  target_link_options(blindai_compiler INTERFACE -fsanitize=thread)
  target_compile_definitions(blindai_compiler INTERFACE BLINDAI_SANITIZED=1)
elseif(BLINDAI_SANITIZER)
  message(FATAL_ERROR "BLINDAI_SANITIZER is '${BLINDAI_SANITIZER}'; known are address and thread")
endif()
if(BLINDAI_COVERAGE)
  target_compile_options(blindai_compiler INTERFACE --coverage)
  target_link_options(blindai_compiler INTERFACE --coverage)
endif()
if(BLINDAI_FUZZ)
  target_compile_options(blindai_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(MOLD mold)
if(MOLD)
  target_link_options(blindai_compiler INTERFACE -fuse-ld=mold)
endif()
