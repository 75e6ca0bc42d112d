# The libraries that are installed, each shared and static, and the packages through which others find them.
#
#   libquench            loads and runs compiled models
#   libquench-compiler   imports and compiles; uses libquench
#   libquench-image      pictures and label maps; hands out statuses, which libquench reads and frees
#
# Which library exports a public function follows from the layer that defines it. The inner functions of a layer are
# hidden in the shared library that holds it, so another shared library that needs them embeds a copy of its own. That is
# sound for what is pure code over the caller's objects (base, dim, op ...); objects with a life of their own, such as
# models, are made and used through the public functions of the one library that owns them. What statuses look like
# inside is shared knowledge, so the three libraries belong to one release: the SONAME says which.
include(CMakePackageConfigHelpers)

# Before 1.0 a minor release may break binary compatibility.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(qn_soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  set(qn_compatibility SameMinorVersion)
else()
  set(qn_soversion ${PROJECT_VERSION_MAJOR})
  set(qn_compatibility SameMajorVersion)
endif()
set(qn_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/quench)

# qn_pkg_config(NAME DESCRIPTION REQUIRES REQUIRES_PRIVATE LIBS_PRIVATE): paths are relative to the file, so the prefix
# may be moved.
function(qn_pkg_config name description requires requires_private libs_private)
  set(folder ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
  file(RELATIVE_PATH prefix ${folder} ${CMAKE_INSTALL_PREFIX})
  file(RELATIVE_PATH libdir ${folder} ${CMAKE_INSTALL_FULL_LIBDIR})
  file(RELATIVE_PATH includedir ${folder} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
  foreach(path IN ITEMS prefix libdir includedir)
    string(REGEX REPLACE "/$" "" ${path} "${${path}}")
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in ${PROJECT_BINARY_DIR}/cmake/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# qn_library(NAME EXPORT_NAME name LAYERS l... [EMBEDS l...] [USES library] [NEEDS target...])
#   LAYERS  what the library consists of: public functions defined there are exported
#   EMBEDS  further layers whose functions it calls: linked in, never exported, not in the static library
#   USES    the library of this project on which it, and whoever uses it, depends
#   NEEDS   libraries of others
# Makes the targets lib<NAME> and lib<NAME>_static.
function(qn_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPORT_NAME;USES" "LAYERS;EMBEDS;NEEDS")
  list(TRANSFORM arg_LAYERS REPLACE "(.+)" "$<TARGET_OBJECTS:qn_\\1>" OUTPUT_VARIABLE objects)
  list(TRANSFORM arg_EMBEDS PREPEND qn_)
  foreach(kind IN ITEMS SHARED STATIC)
    set(suffix)
    set(export_set quench-targets)
    if(kind STREQUAL STATIC)
      set(suffix _static)
      set(export_set ${name}-static-targets)
    endif()
    set(target lib${name}${suffix})
    string(REPLACE _ - export_suffix "${suffix}")
    add_library(${target} ${kind} ${objects})
    add_library(quench::${arg_EXPORT_NAME}${export_suffix} ALIAS ${target})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME ${name}
                          EXPORT_NAME ${arg_EXPORT_NAME}${export_suffix} ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
                          LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    if(arg_USES)
      target_link_libraries(${target} PUBLIC lib${arg_USES}${suffix})
    endif()
    target_link_libraries(${target} PRIVATE ${arg_NEEDS})
    install(TARGETS ${target} EXPORT ${export_set} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    if(kind STREQUAL STATIC)
      install(EXPORT ${export_set} NAMESPACE quench:: DESTINATION ${qn_package_dir})
    endif()
  endforeach()

  target_link_libraries(lib${name} PRIVATE ${arg_EMBEDS} qn_options)
  target_link_options(lib${name} PRIVATE LINKER:--exclude-libs,ALL LINKER:--as-needed)
  if(NOT QN_SANITIZE AND NOT QN_THREAD_SANITIZE)
    # An inner function of a library that is neither among LAYERS nor EMBEDS is found here, not by whoever links it.
    target_link_options(lib${name} PRIVATE LINKER:--no-undefined)
  endif()
  set_target_properties(lib${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${qn_soversion})
  if(arg_USES)
    set_target_properties(lib${name} PROPERTIES INSTALL_RPATH $ORIGIN) # found side by side, wherever the prefix lies
  endif()
endfunction()

qn_library(quench EXPORT_NAME quench LAYERS base cpu dim kernel op model runtime NEEDS Threads::Threads m)
qn_library(quench-compiler EXPORT_NAME compiler USES quench LAYERS ir import pass quant plan driver EMBEDS model op kernel dim base
           NEEDS PkgConfig::JANSSON)
qn_library(quench-image EXPORT_NAME image USES quench LAYERS image EMBEDS base NEEDS PkgConfig::TURBOJPEG PkgConfig::PNG)

qn_pkg_config(quench "Loads and runs compiled models" "" "" "-lm -pthread")
qn_pkg_config(quench-compiler "Imports and compiles trained networks" "quench = ${PROJECT_VERSION}" "jansson" "")
qn_pkg_config(quench-image "Pictures in, label maps and coloured pictures out" "quench = ${PROJECT_VERSION}"
              "libturbojpeg, libpng" "")

install(EXPORT quench-targets NAMESPACE quench:: DESTINATION ${qn_package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/quench-config.cmake.in ${PROJECT_BINARY_DIR}/cmake/quench-config.cmake
                              INSTALL_DESTINATION ${qn_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/quench-config-version.cmake COMPATIBILITY ${qn_compatibility})
install(FILES ${PROJECT_BINARY_DIR}/cmake/quench-config.cmake ${PROJECT_BINARY_DIR}/cmake/quench-config-version.cmake
        DESTINATION ${qn_package_dir})

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/quench DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
