# The signer boundary, held by the build: nothing below server/, client/ or common/ may
# link, directly or through others, what only hsm/ may link. Checked when every target
# is known; tests/unit/boundary proves that it fires. What the sources include or load
# by name is ./dev lint's part, and what the built binaries map is tests/e2e's.

# Our own targets of the signer, and what loads a PKCS#11 module. glibc has dlopen
# itself, so a link says nothing about that: ./dev lint looks for its name.
set(SEALWARD_SIGNER_ONLY "^(sealward_hsm_core|sealward_hsm|sealward_pkcs11)$")
set(SEALWARD_MODULE_LOADERS "(^|[-_:/])(P11KIT|p11-kit|softhsm2?|libsofthsm2?|dl)($|[-_.:])")

# The plain names in a link item: $<LINK_ONLY:a>, $<$<CONFIG:Debug>:a> and lists of them
# name a. Compiler flags (-lx) name x.
function(sealward_names_in item out)
  string(REGEX REPLACE "[$]<[A-Z_]+:|[<>]|[$]" ";" names "${item}")
  list(TRANSFORM names REPLACE "^(:|-l)" "")
  list(FILTER names EXCLUDE REGEX "^$")
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# Everything that `target` links, with the target in the middle that brought it: "a|b"
# says that b stands in a's link list.
function(sealward_collect_links target out)
  set(seen ${${out}})
  foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
    get_target_property(items ${target} ${property})
    if(NOT items)
      continue()
    endif()
    foreach(item IN LISTS items)
      sealward_names_in("${item}" names)
      foreach(name IN LISTS names)
        if("${target}|${name}" IN_LIST seen)
          continue()
        endif()
        list(APPEND seen "${target}|${name}")
        if(TARGET ${name})
          get_target_property(imported ${name} IMPORTED)
          get_target_property(aliased ${name} ALIASED_TARGET)
          if(aliased)
            list(APPEND seen "${name}|${aliased}")
            sealward_collect_links(${aliased} seen)
          elseif(NOT imported)
            sealward_collect_links(${name} seen)
          endif()
        endif()
      endforeach()
    endforeach()
  endforeach()
  set(${out} ${seen} PARENT_SCOPE)
endfunction()

function(sealward_targets_below directory out)
  get_property(found DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(children DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(child IN LISTS children)
    sealward_targets_below(${child} below)
    list(APPEND found ${below})
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

function(sealward_check_target room target)
  set(links)
  sealward_collect_links(${target} links)
  foreach(link IN LISTS links)
    string(REPLACE "|" ";" pair "${link}")
    list(GET pair 0 by)
    list(GET pair 1 name)
    if(name MATCHES "${SEALWARD_SIGNER_ONLY}" OR name MATCHES "${SEALWARD_MODULE_LOADERS}")
      message(FATAL_ERROR
        "${room}/: target ${target} links ${name} (through ${by}), which only hsm/ may link")
    endif()
  endforeach()
endfunction()

function(sealward_check_boundary)
  foreach(room server client common)
    sealward_targets_below(${CMAKE_SOURCE_DIR}/${room} targets)
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      if(NOT type STREQUAL "UTILITY")
        sealward_check_target(${room} ${target})
      endif()
    endforeach()
  endforeach()
endfunction()
