# Which components are built, whether tests are, and the libraries of others that these need.
#
# Sets qn_components (a list), qn_build_tests, and makes the targets Threads::Threads, PkgConfig::JANSSON,
# PkgConfig::TURBOJPEG, PkgConfig::PNG and PkgConfig::CMOCKA of those that are needed, and qn_xxhash.
set(qn_components runtime)
foreach(component IN LISTS QN_COMPONENTS)
  if(component STREQUAL program)
    list(APPEND qn_components compiler image program)
  elseif(component MATCHES "^(compiler|image)$")
    list(APPEND qn_components ${component})
  elseif(NOT component STREQUAL runtime)
    message(FATAL_ERROR "QN_COMPONENTS has '${component}', expected some of runtime, compiler, image, program, with ';' between")
  endif()
endforeach()
list(REMOVE_DUPLICATES qn_components)
if(NOT QN_BUILD_TESTS MATCHES "^(AUTO|ON|OFF|TRUE|FALSE|YES|NO|1|0)$")
  message(FATAL_ERROR "QN_BUILD_TESTS is '${QN_BUILD_TESTS}', expected ON, OFF or AUTO")
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig)

# qn_need(PREFIX MODULE PACKAGE WHO): a pkg-config module, or an error that says who needs it, which Debian package has it
# and how to do without.
function(qn_need prefix module package who)
  if(PkgConfig_FOUND)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(NOT TARGET PkgConfig::${prefix})
    set(way "In Debian and Ubuntu: apt-get install pkg-config ${package}")
    if(CMAKE_CROSSCOMPILING)
      set(way "It has to be ${CMAKE_SYSTEM_PROCESSOR}'s, in a folder of PKG_CONFIG_LIBDIR")
    endif()
    message(FATAL_ERROR "${who} needs ${module}, which pkg-config does not find. ${way}. libquench alone, without "
            "compiler, pictures and program, needs no such library: -DQN_COMPONENTS=runtime")
  endif()
endfunction()
if(compiler IN_LIST qn_components)
  qn_need(JANSSON jansson libjansson-dev "libquench-compiler")
endif()
if(image IN_LIST qn_components)
  qn_need(TURBOJPEG libturbojpeg libturbojpeg0-dev "libquench-image")
  qn_need(PNG libpng libpng-dev "libquench-image")
endif()

# xxHash is a header, the same for every machine: when cross-compiling, the one of this machine serves, in a folder of its
# own, since the others beside it would not.
add_library(qn_xxhash INTERFACE)
find_path(QN_XXHASH_INCLUDE_DIR xxhash.h DOC "Folder of xxhash.h")
if(NOT QN_XXHASH_INCLUDE_DIR AND CMAKE_CROSSCOMPILING)
  find_path(QN_XXHASH_NATIVE_DIR xxhash.h DOC "Folder of this machine's xxhash.h" NO_CMAKE_FIND_ROOT_PATH)
  if(QN_XXHASH_NATIVE_DIR)
    configure_file(${QN_XXHASH_NATIVE_DIR}/xxhash.h ${PROJECT_BINARY_DIR}/xxhash/xxhash.h COPYONLY)
    target_include_directories(qn_xxhash INTERFACE ${PROJECT_BINARY_DIR}/xxhash)
  endif()
elseif(QN_XXHASH_INCLUDE_DIR)
  target_include_directories(qn_xxhash SYSTEM INTERFACE ${QN_XXHASH_INCLUDE_DIR})
endif()
if(NOT QN_XXHASH_INCLUDE_DIR AND NOT QN_XXHASH_NATIVE_DIR)
  message(FATAL_ERROR "quench needs the header xxhash.h, which is not found. In Debian and Ubuntu: apt-get install libxxhash-dev")
endif()

# Tests are on where they can be: a project that others are a part of leaves them out, and so do machines without cmocka.
set(qn_build_tests OFF)
if(QN_BUILD_TESTS STREQUAL AUTO AND NOT PROJECT_IS_TOP_LEVEL)
  # off
elseif(QN_BUILD_TESTS)
  if(PkgConfig_FOUND)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
  endif()
  if(TARGET PkgConfig::CMOCKA)
    set(qn_build_tests ON)
  elseif(QN_BUILD_TESTS STREQUAL AUTO AND CMAKE_CROSSCOMPILING)
    message(STATUS "quench: cmocka is not found for ${CMAKE_SYSTEM_PROCESSOR}, so no tests are built; -DQN_BUILD_TESTS=ON builds those that do without")
  elseif(QN_BUILD_TESTS STREQUAL AUTO)
    message(STATUS "quench: cmocka is not found, so the tests are not built. In Debian and Ubuntu: apt-get install libcmocka-dev")
  elseif(CMAKE_CROSSCOMPILING)
    set(qn_build_tests ON)
    message(STATUS "quench: cmocka is not found for ${CMAKE_SYSTEM_PROCESSOR}: of the tests, those that do without it are built")
  else()
    message(FATAL_ERROR "QN_BUILD_TESTS is ${QN_BUILD_TESTS}, but pkg-config does not find cmocka. In Debian and Ubuntu: "
            "apt-get install libcmocka-dev. -DQN_BUILD_TESTS=OFF does without.")
  endif()
endif()
