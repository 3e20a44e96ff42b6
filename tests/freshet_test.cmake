# A test's own code is compiled more often than it runs. What it tests keeps the optimisation of the build.
if(CMAKE_BUILD_TYPE STREQUAL Debug)
  set(FRESHET_TEST_OPTIMISATION -O0)
else()
  set(FRESHET_TEST_OPTIMISATION -O1)
endif()
if(FRESHET_FUZZ)
  # Only what is tested counts for a fuzzer's coverage.
  list(APPEND FRESHET_TEST_OPTIMISATION -fno-sanitize=fuzzer-no-link)
endif()

# scripts/test counts in half processors: a test takes one processor, and half of one where it mostly waits, as those do that
# watch a server or a broker.
set(FRESHET_TEST_PROCESSORS 2)
set(FRESHET_WAITING_TEST_PROCESSORS 1)

# freshet_test(NAME SOURCES <files> DEPENDS <modules> LIBRARIES <targets> LABELS <labels> TIMEOUT <seconds> COST <seconds> [SEPARATE])
#
# One test program of one module; ctest sees it as one test. Labels say where it runs besides the release build: `unit` (the
# default) under AddressSanitizer and UndefinedBehaviorSanitizer, `threads` under ThreadSanitizer, `integration` nowhere else:
# it needs the real server binary or a broker. COST: about how long it runs where that is long, so that the longest begin first.
# SEPARATE: its files share private names and are compiled one by one.
function(freshet_test name)
  cmake_parse_arguments(TEST "SEPARATE" "TIMEOUT;COST" "SOURCES;DEPENDS;LIBRARIES;LABELS" ${ARGN})
  if(NOT TEST_LABELS)
    set(TEST_LABELS unit)
  endif()
  set(suffix "")
  if(FRESHET_SANITIZE MATCHES thread)
    set(suffix .tsan)
    set(needed threads)
  elseif(FRESHET_SANITIZE)
    set(suffix .asan)
    set(needed unit)
  endif()
  if(needed AND NOT needed IN_LIST TEST_LABELS)
    return()
  endif()
  add_executable(${name} ${TEST_SOURCES})
  if(FRESHET_SANITIZE MATCHES thread)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/tsan_suppressions.cc)
  endif()
  list(TRANSFORM TEST_DEPENDS PREPEND freshet::)
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} ${TEST_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_options(${name} PRIVATE ${FRESHET_TEST_OPTIMISATION})
  if(TEST_SEPARATE)
    set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  endif()
  add_test(NAME ${name}${suffix} COMMAND ${name})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  if(NOT TEST_COST)
    set(TEST_COST 0)
  endif()
  set(processors ${FRESHET_TEST_PROCESSORS})
  if("integration" IN_LIST TEST_LABELS)
    set(processors ${FRESHET_WAITING_TEST_PROCESSORS})
  endif()
  set_tests_properties(${name}${suffix} PROPERTIES
    LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT} COST ${TEST_COST} PROCESSORS ${processors})
endfunction()

if(FRESHET_FUZZ)
  add_custom_target(fuzzers)
endif()

# freshet_fuzz(NAME SOURCES <files> DEPENDS <modules>)
#
# One libFuzzer target; exists in the `asan-fuzz` preset alone, where the target `fuzzers` builds all of them. As a test it runs for a few seconds from its seed corpus, the
# folder corpus/NAME beside the file where there is one, and from one seed, so that a change is judged by the inputs that the
# change before it passed; scripts/nightly looks for new ones.
function(freshet_fuzz name)
  if(NOT FRESHET_FUZZ)
    return()
  endif()
  cmake_parse_arguments(FUZZ "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_executable(${name} ${FUZZ_SOURCES})
  list(TRANSFORM FUZZ_DEPENDS PREPEND freshet::)
  target_link_libraries(${name} PRIVATE ${FUZZ_DEPENDS} ${FUZZ_LIBRARIES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
  set(grown ${CMAKE_CURRENT_BINARY_DIR}/grown/${name})
  file(MAKE_DIRECTORY ${grown})
  set(seeds ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(NOT EXISTS ${seeds})
    set(seeds)
  endif()
  add_test(NAME ${name} COMMAND ${name} -seed=1 -max_total_time=5 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 ${grown} ${seeds})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120 PROCESSORS ${FRESHET_TEST_PROCESSORS})
endfunction()
