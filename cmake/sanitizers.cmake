# SEALWARD_SANITIZE is a list of sanitizers for every target of ours ("address;undefined;fuzzer",
# "thread"). Debian's libraries stay as they are: what they do wrong is
# suppressed by name in tools/sanitizers, which ./dev puts into the tests' environment.
# "fuzzer" instruments every target for coverage; only the targets in tests/fuzz link
# libFuzzer's main.
if(SEALWARD_SANITIZE)
  set(flags ${SEALWARD_SANITIZE})
  list(TRANSFORM flags REPLACE "^fuzzer$" "fuzzer-no-link")
  list(JOIN flags "," flags)
  add_compile_options(-fsanitize=${flags} -fno-sanitize-recover=all -O1 -g1)
  add_link_options(-fsanitize=${flags})
  add_compile_definitions(SEALWARD_SANITIZED=1)
  # clang 18 changed how it mangles constrained templates; Debian's abseil was built by
  # g++ 12, which mangles them as clang 17 did.
  add_compile_options(-fclang-abi-compat=17)
endif()

# TSan does not see the locks of a library that was built without it. For abseil's, which
# all our code and gRPC use, this shows them to it, in every executable.
if("thread" IN_LIST SEALWARD_SANITIZE)
  add_library(sealward_tsan_absl STATIC ${CMAKE_SOURCE_DIR}/tools/sanitizers/absl_mutex_tsan.cc)
  target_link_libraries(sealward_tsan_absl PRIVATE absl::synchronization)
  link_libraries(-Wl,--undefined=sealward_tsan_absl_mutex sealward_tsan_absl
    absl::synchronization)
endif()

# For a target whose headers take minutes to instrument (Boost.Beast): it keeps the
# other sanitizers.
function(sealward_without_ubsan target)
  if("undefined" IN_LIST SEALWARD_SANITIZE)
    target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
  endif()
endfunction()
