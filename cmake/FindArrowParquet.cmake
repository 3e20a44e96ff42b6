# Apache Arrow, with its file system for S3, and Parquet: the target ArrowParquet::ArrowParquet.
#
# An installed Arrow comes first. Debian 12 has none; there the shared libraries and headers of the pyarrow wheel serve, which
# scripts/setup unpacks into build/arrow.
find_package(Arrow CONFIG QUIET)
find_package(Parquet CONFIG QUIET)

include(FindPackageHandleStandardArgs)
if(Arrow_FOUND AND Parquet_FOUND)
  set(ArrowParquet_VERSION ${ARROW_VERSION})
  set(ArrowParquet_LIBRARIES Arrow::arrow_shared Parquet::parquet_shared)
  find_package_handle_standard_args(ArrowParquet REQUIRED_VARS ArrowParquet_LIBRARIES VERSION_VAR ArrowParquet_VERSION)
else()
  set(wheel ${PROJECT_SOURCE_DIR}/build/arrow/pyarrow)
  file(GLOB ArrowParquet_ARROW_LIBRARY ${wheel}/libarrow.so.*)
  file(GLOB ArrowParquet_S3_LIBRARY ${wheel}/libarrow_s3.so.*)
  file(GLOB ArrowParquet_PARQUET_LIBRARY ${wheel}/libparquet.so.*)
  find_path(ArrowParquet_INCLUDE_DIR arrow/api.h PATHS ${wheel}/include NO_DEFAULT_PATH)
  find_package_handle_standard_args(ArrowParquet
    REQUIRED_VARS ArrowParquet_ARROW_LIBRARY ArrowParquet_S3_LIBRARY ArrowParquet_PARQUET_LIBRARY ArrowParquet_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "scripts/setup fetches the libraries")
endif()

if(ArrowParquet_FOUND AND NOT TARGET ArrowParquet::ArrowParquet)
  add_library(ArrowParquet::ArrowParquet INTERFACE IMPORTED)
  if(ArrowParquet_LIBRARIES)
    target_link_libraries(ArrowParquet::ArrowParquet INTERFACE ${ArrowParquet_LIBRARIES})
  else()
    foreach(library ARROW S3 PARQUET)
      add_library(ArrowParquet::${library} SHARED IMPORTED)
      set_target_properties(ArrowParquet::${library} PROPERTIES
        IMPORTED_LOCATION ${ArrowParquet_${library}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${ArrowParquet_INCLUDE_DIR})
    endforeach()
    target_link_libraries(ArrowParquet::ArrowParquet INTERFACE ArrowParquet::PARQUET ArrowParquet::S3 ArrowParquet::ARROW)
  endif()
endif()
