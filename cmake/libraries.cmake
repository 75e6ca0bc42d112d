# The libraries that are installed, and the packages through which others find them. BUILD_SHARED_LIBS unset: each shared
# and static; ON: shared only; OFF: static only. Install components: each library's name has the shared library, NAME-dev
# what it takes to compile against it; also program and doc.
#
#   libquench            loads and runs compiled models
#   libquench-compiler   imports and compiles; uses libquench
#   libquench-image      pictures and label maps; hands out statuses, which libquench reads and frees
#   libquench-vision     pictures through compiled models; uses libquench-image and libquench
#
# Which library exports a public function follows from the layer that defines it. The inner functions of a layer are
# hidden in the shared library that holds it, so another shared library that needs them embeds a copy of its own. That is
# sound for what is pure code over the caller's objects (base, dim, op ...); objects with a life of their own, such as
# models, are made and used through the public functions of the one library that owns them. What statuses look like
# inside is shared knowledge, so the libraries belong to one release: the SONAME says which.
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

# qn_pkg_config(COMPONENT NAME DESCRIPTION REQUIRES REQUIRES_PRIVATE LIBS_PRIVATE): paths are relative to the file, so the prefix
# may be moved. Where there is no shared library, what is private belongs to every link, not only to pkg-config --static.
function(qn_pkg_config component name description requires requires_private libs_private)
  if(NOT component IN_LIST qn_components)
    return()
  endif()
  set(libs "-l${name}")
  if(NOT SHARED IN_LIST qn_library_kinds)
    list(APPEND requires ${requires_private})
    list(JOIN requires ", " requires)
    list(APPEND libs ${libs_private})
    list(JOIN libs " " libs)
    set(requires_private)
    set(libs_private)
  endif()
  set(folder ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
  file(RELATIVE_PATH prefix ${folder} ${CMAKE_INSTALL_PREFIX})
  file(RELATIVE_PATH libdir ${folder} ${CMAKE_INSTALL_FULL_LIBDIR})
  file(RELATIVE_PATH includedir ${folder} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
  foreach(path IN ITEMS prefix libdir includedir)
    string(REGEX REPLACE "/$" "" ${path} "${${path}}")
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in ${PROJECT_BINARY_DIR}/cmake/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${component}-dev)
endfunction()

# The headers of a library: compiler.h, image.h and vision.h are their libraries' own, and what compiler.h includes without
# quench.h's doing so is the compiler's; the others are the runtime's.
function(qn_headers_of library out)
  set(folder ${PROJECT_SOURCE_DIR}/include/quench)
  file(STRINGS ${folder}/quench.h of_runtime REGEX "^#include \"quench/")
  file(STRINGS ${folder}/compiler.h of_compiler REGEX "^#include \"quench/")
  list(TRANSFORM of_runtime REPLACE "^#include \"quench/(.*)\"$" "\\1")
  list(TRANSFORM of_compiler REPLACE "^#include \"quench/(.*)\"$" "\\1")
  list(REMOVE_ITEM of_compiler quench.h ${of_runtime})
  list(APPEND of_compiler compiler.h)
  file(GLOB of_quench RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*.h)
  list(REMOVE_ITEM of_quench image.h vision.h ${of_compiler})
  set(of_quench-compiler ${of_compiler})
  set(of_quench-image image.h)
  set(of_quench-vision vision.h)
  list(TRANSFORM of_${library} PREPEND ${folder}/)
  set(${out} ${of_${library}} PARENT_SCOPE)
endfunction()

# qn_library(NAME COMPONENT name LAYERS l... [EMBEDS l...] [USES library] [NEEDS target...])
#   COMPONENT  how it is called in QN_COMPONENTS, in find_package and when it is installed
#   LAYERS     what the library consists of: public functions defined there are exported
#   EMBEDS     further layers whose functions it calls: linked in, never exported, not in the static library
#   USES       the library of this project on which it, and whoever uses it, depends
#   NEEDS      libraries of others
# Makes the targets lib<NAME> and lib<NAME>_static, those that BUILD_SHARED_LIBS asks for.
function(qn_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "COMPONENT;USES" "LAYERS;EMBEDS;NEEDS")
  if(NOT arg_COMPONENT IN_LIST qn_components)
    return()
  endif()
  set(export_name ${arg_COMPONENT})
  if(arg_COMPONENT STREQUAL runtime)
    set(export_name quench)
  endif()
  list(TRANSFORM arg_LAYERS REPLACE "(.+)" "$<TARGET_OBJECTS:qn_\\1>" OUTPUT_VARIABLE objects)
  list(TRANSFORM arg_EMBEDS PREPEND qn_)
  foreach(kind IN LISTS qn_library_kinds)
    set(suffix)
    if(kind STREQUAL STATIC)
      set(suffix _static)
    endif()
    set(target lib${name}${suffix})
    string(REPLACE _ - export_suffix "${suffix}")
    set(export_set ${name}${export_suffix}-targets)
    add_library(${target} ${kind} ${objects})
    add_library(quench::${export_name}${export_suffix} ALIAS ${target})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME ${name}
                          EXPORT_NAME ${export_name}${export_suffix} ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
                          LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    if(arg_USES)
      target_link_libraries(${target} PUBLIC lib${arg_USES}${suffix})
    endif()
    target_link_libraries(${target} PRIVATE ${arg_NEEDS})
    install(TARGETS ${target} EXPORT ${export_set}
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${arg_COMPONENT} NAMELINK_COMPONENT ${arg_COMPONENT}-dev
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${arg_COMPONENT}-dev)
    install(EXPORT ${export_set} NAMESPACE quench:: DESTINATION ${qn_package_dir} COMPONENT ${arg_COMPONENT}-dev)
  endforeach()
  qn_headers_of(${name} headers)
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/quench COMPONENT ${arg_COMPONENT}-dev)

  if(NOT TARGET lib${name})
    add_library(quench::${export_name} ALIAS lib${name}_static) # the only kind there is
    return()
  endif()
  target_link_libraries(lib${name} PRIVATE ${arg_EMBEDS} qn_options)
  target_link_options(lib${name} PRIVATE LINKER:--exclude-libs,ALL LINKER:--as-needed)
  if(NOT QN_SANITIZE AND NOT QN_THREAD_SANITIZE AND NOT QN_MEMORY_SANITIZE)
    # An inner function of a library that is neither among LAYERS nor EMBEDS is found here, not by whoever links it.
    target_link_options(lib${name} PRIVATE LINKER:--no-undefined)
  endif()
  set_target_properties(lib${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${qn_soversion})
  if(arg_USES)
    set_target_properties(lib${name} PROPERTIES INSTALL_RPATH $ORIGIN) # found side by side, wherever the prefix lies
  endif()
endfunction()

if(NOT DEFINED BUILD_SHARED_LIBS OR BUILD_SHARED_LIBS STREQUAL "")
  set(qn_library_kinds SHARED STATIC)
elseif(BUILD_SHARED_LIBS)
  set(qn_library_kinds SHARED)
else()
  set(qn_library_kinds STATIC)
endif()
qn_library(quench COMPONENT runtime LAYERS base cpu dim kernel op model runtime NEEDS Threads::Threads m)
qn_library(quench-compiler COMPONENT compiler USES quench LAYERS ir import pass quant plan driver EMBEDS model op kernel dim base
           NEEDS PkgConfig::JANSSON)
qn_library(quench-image COMPONENT image USES quench LAYERS image EMBEDS base
           NEEDS PkgConfig::TURBOJPEG PkgConfig::PNG Threads::Threads)
qn_library(quench-vision COMPONENT vision USES quench-image LAYERS vision EMBEDS base NEEDS PkgConfig::JANSSON)

qn_pkg_config(runtime quench "Loads and runs compiled models" "" "" "-lm -pthread")
qn_pkg_config(compiler quench-compiler "Imports and compiles trained networks" "quench = ${PROJECT_VERSION}" "jansson" "")
qn_pkg_config(image quench-image "Pictures in, label maps and coloured pictures out" "quench = ${PROJECT_VERSION}"
              "libturbojpeg, libpng" "")
qn_pkg_config(vision quench-vision "Pictures through compiled models: photo in, mask out"
              "quench = ${PROJECT_VERSION}, quench-image = ${PROJECT_VERSION}" "jansson" "")

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/quench-config.cmake.in ${PROJECT_BINARY_DIR}/cmake/quench-config.cmake
                              INSTALL_DESTINATION ${qn_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/quench-config-version.cmake COMPATIBILITY ${qn_compatibility})
install(FILES ${PROJECT_BINARY_DIR}/cmake/quench-config.cmake ${PROJECT_BINARY_DIR}/cmake/quench-config-version.cmake
        DESTINATION ${qn_package_dir} COMPONENT runtime-dev)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT doc FILES_MATCHING PATTERN "*.md")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT doc)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT doc)
