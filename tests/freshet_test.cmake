# freshet_test(NAME SOURCES <files> DEPENDS <modules> LIBRARIES <targets> LABELS <labels> TIMEOUT <seconds>)
#
# One test program of one module; ctest sees it as one test. Labels: `unit` runs under every sanitizer, `integration` needs
# the real server binary or a broker.
function(freshet_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;LABELS" ${ARGN})
  foreach(dependency IN LISTS TEST_DEPENDS)  # BUILD-UP
    if(NOT TARGET freshet_${dependency})
      message(WARNING "test ${name} is left out: needs ${dependency}")
      return()
    endif()
  endforeach()  # END OF BUILD-UP
  add_executable(${name} ${TEST_SOURCES})
  list(TRANSFORM TEST_DEPENDS PREPEND freshet::)
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} ${TEST_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT TEST_LABELS)
    set(TEST_LABELS unit)
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT})
endfunction()

# freshet_fuzz(NAME SOURCES <files> DEPENDS <modules>)
#
# One libFuzzer target; exists in the `fuzz` preset alone. As a test it runs for a few seconds from its seed corpus, the
# folder corpus/NAME beside the file where there is one.
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
  set(grown ${CMAKE_CURRENT_BINARY_DIR}/grown/${name})
  file(MAKE_DIRECTORY ${grown})
  set(seeds ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(NOT EXISTS ${seeds})
    set(seeds)
  endif()
  add_test(NAME ${name} COMMAND ${name} -max_total_time=10 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 ${grown} ${seeds})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
