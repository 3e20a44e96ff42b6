# freshet_module(NAME SOURCES <files> DEPENDS <modules> LIBRARIES <third party targets>)
#
# One module is one folder of src/, one static library `freshet_NAME` (alias freshet::NAME) and one include root: a folder
# of the build tree that holds nothing but a link to the module, so that `#include "NAME/file.h"` compiles only in targets
# that name the module among their dependencies. Modules are declared bottom to top; a dependency that is not a target yet
# would point upwards, and stops the configuration.
function(freshet_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "module ${name}: unknown arguments ${MODULE_UNPARSED_ARGUMENTS}")
  endif()

  set(include_root ${PROJECT_BINARY_DIR}/include_roots/${name})
  file(MAKE_DIRECTORY ${include_root})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${name} ${include_root}/${name} SYMBOLIC)

  add_library(freshet_${name} STATIC ${MODULE_SOURCES})
  add_library(freshet::${name} ALIAS freshet_${name})
  target_include_directories(freshet_${name} PUBLIC ${include_root} ${PROJECT_SOURCE_DIR}/include)
  foreach(dependency IN LISTS MODULE_DEPENDS)
    if(NOT TARGET freshet_${dependency})
      message(FATAL_ERROR "module ${name} depends on ${dependency}, which is not below it in src/CMakeLists.txt")
    endif()
    target_link_libraries(freshet_${name} PUBLIC freshet_${dependency})
  endforeach()
  target_link_libraries(freshet_${name} PRIVATE ${MODULE_LIBRARIES})
endfunction()
